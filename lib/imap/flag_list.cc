#include "lib/imap/flag_list.h"

#include <algorithm>

#include "lib/base/ascii.h"

namespace imap {

std::uint8_t system_flag(std::string_view name) {
  const auto row = std::ranges::find_if(system_flags, [&](const SystemFlag& it) { return ascii::equal_ignoring_case(it.name, name); });
  return row == system_flags.end() ? std::uint8_t{0} : row->bit;
}

Result<void> FlagList::add(std::string_view name) {
  if (name.starts_with('\\')) {
    const std::uint8_t bit = system_flag(name);
    // No client can change \Recent.
    if (bit == 0 || bit == flag::recent) return base::fail("Invalid system flag " + ascii::uppercase(name));
    system |= bit;
    return {};
  }
  if (std::ranges::any_of(keywords, [&](const std::string& known) { return ascii::equal_ignoring_case(known, name); })) return {};
  if (keywords.size() == keywords_limit) return base::fail("Too many flags");
  keywords.emplace_back(name);
  return {};
}

Result<FlagList> FlagList::parse(Values values) {
  FlagList flags;
  for (const Value value : values) {
    if (!value.is_atom()) return base::fail("Flags list contains non-atoms");
    TRY(flags.add(value.text()));
  }
  return flags;
}

std::optional<std::string_view> FlagList::refusal() const {
  for (const std::string& keyword : keywords) {
    if (keyword.empty() || keyword.find_first_of("]%*\\\"(){") != std::string::npos) return "Invalid characters in keyword";
    if (keyword.size() > keyword_size_max) return "Keyword length too long";
  }
  return std::nullopt;
}

}  // namespace imap
