#include "commands/postconf/selection.h"

#include <algorithm>
#include <climits>

#include <fmt/core.h>

#include "lib/base/ascii.h"

namespace postconf {

namespace {

using base::fail;

bool fits(std::string_view pattern, std::string_view name) { return pattern == "*" || pattern == name; }

bool is_flag(std::string_view text) { return text == "-" || text == "y" || text == "n"; }

bool is_number_or_default(std::string_view text) { return text == "-" || ascii::parse_number(text, INT_MAX).has_value(); }

bool is_type(std::string_view text) {
  constexpr std::string_view types[] = {"inet", "unix", "unix-dgram", "fifo", "pass"};
  return std::ranges::find(types, text) != std::end(types);
}

bool is_valid(std::size_t column, std::string_view text) {
  switch (column) {
    case 1: return is_type(text);
    case 2:
    case 3:
    case 4: return is_flag(text);
    case 5: return is_number_or_default(text.ends_with('?') ? text.substr(0, text.size() - 1) : text);
    case 6: return is_number_or_default(text);
    default: return true;
  }
}

}  // namespace

Result<Selection> Selection::parse(std::string_view text, std::size_t parts_min, std::size_t parts_max,
                                   std::string_view mistake) {
  Selection selection;
  selection.text_ = text;
  std::string_view rest = text;
  for (;;) {
    const std::size_t slash = rest.find('/');
    selection.parts_.emplace_back(ascii::trim(rest.substr(0, slash)));
    const std::string& part = selection.parts_.back();
    // A "*" is a part of its own.
    if (part.empty() || (part.contains('*') && part != "*")) return fail(std::string(mistake));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (selection.parts_.size() < parts_min || selection.parts_.size() > parts_max) return fail(std::string(mistake));
  return selection;
}

bool Selection::matches(const config::MasterLine& line) const {
  return fits(parts_[0], line.fields[0]) && (parts_.size() < 2 || fits(parts_[1], line.fields[1]));
}

bool Selection::matches_member(std::string_view name) const { return fits(member(), name); }

Result<std::size_t> field_number(std::string_view name) {
  const auto* const found = std::ranges::find(field_names, name);
  if (found == std::end(field_names)) return fail(fmt::format("invalid service attribute name: \"{}\"", name));
  return static_cast<std::size_t>(found - std::begin(field_names));
}

Result<void> check_fields(const config::MasterLine& line, std::string_view shown) {
  for (std::size_t i = 0; i < line.fields.size(); ++i) {
    if (!is_valid(i, line.fields[i])) {
      return fail(fmt::format("invalid {} field \"{}\" in \"{}\"", field_names[i], line.fields[i], shown));
    }
  }
  return {};
}

}  // namespace postconf
