#include "lib/maps/list.h"

#include <algorithm>

#include <fmt/core.h>

#include "lib/base/ascii.h"

namespace maps {
namespace {

constexpr std::string_view separators = ", \t\r\n";

// The length of the item that starts `text`: up to the first separator outside of braces.
std::size_t item_length(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{') {
      ++depth;
    } else if (c == '}') {
      if (depth > 0) --depth;
    } else if (depth == 0 && separators.contains(c)) {
      return i;
    }
  }
  return text.size();
}

}  // namespace

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> items;
  for (;;) {
    const std::size_t start = text.find_first_not_of(separators);
    if (start == std::string_view::npos) return items;
    text.remove_prefix(start);
    const std::size_t length = item_length(text);
    items.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
}

bool parents_match(std::string_view parent_domain_matches_subdomains, std::string_view parameter) {
  const std::vector<std::string_view> names = split_list(parent_domain_matches_subdomains);
  return std::ranges::find(names, parameter) != names.end();
}

Result<std::string_view> without_braces(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] != '}' || --depth > 0) continue;
    if (!ascii::trim(text.substr(i + 1)).empty()) return base::fail(fmt::format("syntax error after '}}' in \"{}\"", text));
    return ascii::trim(text.substr(1, i - 1));
  }
  return base::fail(fmt::format("missing '}}' in \"{}\"", text));
}

}  // namespace maps
