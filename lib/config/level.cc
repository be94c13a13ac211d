#include "lib/config/level.h"

#include <fmt/core.h>

#include "lib/base/ascii.h"

namespace config {

Result<Level> Level::parse(std::string_view text) {
  constexpr std::uint64_t max_part = 1'000'000;
  Level level;
  int* const parts[] = {&level.major_part, &level.minor_part, &level.patch_part};
  std::string_view rest = text;
  for (std::size_t i = 0;; ++i) {
    const std::size_t dot = rest.find('.');
    const auto part = ascii::parse_number(rest.substr(0, dot), max_part);
    if (!part || i == std::size(parts)) return base::fail(fmt::format("malformed compatibility level syntax: \"{}\"", text));
    *parts[i] = static_cast<int>(*part);
    if (dot == std::string_view::npos) return level;
    rest.remove_prefix(dot + 1);
  }
}

}  // namespace config
