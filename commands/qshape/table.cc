#include "commands/qshape/table.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace qshape {
namespace {

constexpr std::size_t column_width_min = 2;
constexpr std::size_t name_width_min = 18;

std::size_t column_width(std::string_view title, std::uint64_t largest) {
  return std::max({column_width_min, title.size(), fmt::formatted_size("{}", largest)});
}

// A name that is too long loses its beginning: "+end", and ".+end" for a parent.
std::string fit(const std::string& name, std::size_t width) {
  if (name.size() <= width) return name;
  const std::string mark = name.starts_with('.') ? ".+" : "+";
  return mark + name.substr(name.size() - (width - mark.size()));
}

}  // namespace

std::string table(const Counts& counts, const Ages& ages, const Layout& layout) {
  // No row has more in a column than the sum of all.
  const std::size_t all_width = column_width("T", counts.total().all);
  std::vector<std::size_t> widths;
  std::size_t used = 1 + all_width;
  for (std::size_t i = 0; i < ages.size(); ++i) {
    widths.push_back(column_width(ages.titles()[i], counts.total().by_age[i]));
    used += 1 + widths.back();
  }
  const std::size_t name_width = layout.width > used + name_width_min ? layout.width - used : name_width_min;

  std::string out;
  auto to = std::back_inserter(out);
  fmt::format_to(to, "{:>{}} {:>{}}", "", name_width, "T", all_width);
  for (std::size_t i = 0; i < widths.size(); ++i) fmt::format_to(to, " {:>{}}", ages.titles()[i], widths[i]);
  out += '\n';
  std::size_t domains = 0;
  for (const auto& [name, row] : counts.sorted(layout.children_min)) {
    if (row != &counts.total() && domains++ >= layout.rows) break;
    fmt::format_to(to, "{:>{}} {:>{}}", fit(name, name_width), name_width, row->all, all_width);
    for (std::size_t i = 0; i < widths.size(); ++i) fmt::format_to(to, " {:>{}}", row->by_age[i], widths[i]);
    out += '\n';
  }
  return out;
}

}  // namespace qshape
