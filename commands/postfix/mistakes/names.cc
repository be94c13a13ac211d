#include <algorithm>
#include <numeric>

#include <fmt/core.h>

#include "commands/postconf/known.h"
#include "commands/postconf/service_options.h"
#include "commands/postfix/mistakes.h"
#include "lib/base/ascii.h"
#include "lib/config/record.h"

namespace postfix {
namespace {

constexpr std::size_t mistyped_letters = 2;
constexpr std::size_t comment_shown = 20;
constexpr std::size_t shortest_name = 4;  // shorter ones resemble everything

// How many letters are to be added, taken away, changed or swapped with the next to make one of the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, above(b.size() + 1), row(b.size() + 1);
  std::iota(above.begin(), above.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return above.back();
}

// "; did you mean mydestination?", or nothing.
std::string suggestion(std::string_view name, const std::vector<std::string>& names) {
  std::string_view best;
  std::size_t best_distance = mistyped_letters + 1;
  for (const std::string& candidate : names) {
    const std::size_t longer = std::max(name.size(), candidate.size());
    if (name.size() < shortest_name || longer - std::min(name.size(), candidate.size()) > mistyped_letters) continue;
    if (const std::size_t found = distance(name, candidate); found < best_distance) {
      best = candidate;
      best_distance = found;
    }
  }
  return best.empty() ? std::string() : fmt::format("; did you mean {}?", best);
}

bool is_raw(std::string_view name) {
  const config::Record* const record = config::limits_of(name);
  return record != nullptr && record->type == config::Type::raw;
}

// main.cf has no comments behind text. Where one seems to begin, or npos.
std::size_t comment_in(std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '#' && (i == 0 || ascii::is_space(value[i - 1]))) return i;
  }
  return std::string_view::npos;
}

class Examiner {
 public:
  Examiner(const config::Main& main, std::span<const config::MasterLine> services, Mistakes& mistakes)
      : main_(main), known_(main, services), names_(known_.names({})), mistakes_(mistakes) {}

  // `local` are settings that count where this one stands.
  void examine(const config::Entry& entry, std::span<const config::Entry> local, const std::string& where) {
    if (!known_.contains(entry.name, {}) && config::find_record(entry.name) == nullptr) {
      mistakes_.add(where, fmt::format("unused parameter: {}={}: nothing reads it{}", entry.name, entry.value,
                                       suggestion(entry.name, names_)));
    }
    if (const config::Record* const record = config::find_record(entry.name); record != nullptr && !record->obsolete().empty()) {
      mistakes_.add(where, fmt::format("support for parameter \"{}\" will be removed; instead, {}", entry.name, record->obsolete()));
    }
    if (const std::size_t comment = comment_in(entry.value); comment != std::string::npos) {
      mistakes_.add(where, fmt::format("{}: #comment after other text is not allowed: {}...: put it on a line of its own", entry.name,
                                       std::string_view(entry.value).substr(comment, comment_shown)));
    }
    if (is_raw(entry.name)) return;
    for (const std::string& name : postconf::references(entry.value)) {
      if (is_defined(name, local)) continue;
      mistakes_.add(where, fmt::format("{}: undefined parameter: {}: ${} is empty{}", entry.name, name, name, suggestion(name, names_)));
    }
  }

 private:
  [[nodiscard]] bool is_defined(std::string_view name, std::span<const config::Entry> local) const {
    return config::find_record(name) != nullptr || known_.contains(name, {}) || main_.find(name) != nullptr ||
           std::ranges::find(local, name, &config::Entry::name) != local.end();
  }

  const config::Main& main_;
  const postconf::Known known_;
  const std::vector<std::string> names_;
  Mistakes& mistakes_;
};

}  // namespace

void examine_names(const Examined& examined, std::string_view master_text, Mistakes& mistakes) {
  const std::string file = examined.main.directory() + "/master.cf";
  std::vector<config::MasterLine> services;
  std::vector<std::string> syntax;  // read_master_cf has told
  if (const auto lines = config::parse_master_lines(master_text, file)) {
    for (const config::MasterLine& line : *lines) services.push_back(postconf::normal_form(line, syntax));
  }
  Examiner examiner(examined.main, services, mistakes);
  for (const config::Entry& entry : examined.main.entries()) examiner.examine(entry, {}, entry.where());
  for (const config::MasterLine& line : services) {
    const std::vector<config::Entry> settings = postconf::settings_of(line);
    for (const config::Entry& entry : settings) examiner.examine(entry, settings, fmt::format("{}, line {}", file, line.line));
  }
}

}  // namespace postfix
