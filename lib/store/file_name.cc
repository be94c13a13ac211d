#include "lib/store/file_name.h"

#include <algorithm>

#include "lib/base/ascii.h"

namespace store {
namespace {

constexpr std::pair<char, std::uint8_t> letters[] = {
    {'D', flag::draft}, {'F', flag::flagged}, {'R', flag::answered}, {'S', flag::seen}, {'T', flag::deleted}};
constexpr std::string_view info_start = "2,";

std::uint8_t system_flag(char letter) {
  for (const auto& [name, bit] : letters) {
    if (name == letter) return bit;
  }
  return 0;
}

std::string_view digits_of(std::string_view name) {
  std::size_t end = 0;
  while (end < name.size() && ascii::is_digit(name[end])) ++end;
  return name.substr(0, end);
}

}  // namespace

FileName FileName::split(std::string_view name) {
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos) return {name, {}};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

Flags FileName::flags() const {
  Flags flags;
  if (!info.starts_with(info_start)) return flags;
  // Some programs put ',' and more behind the flags.
  for (const char letter : info.substr(info_start.size())) {
    if (letter == ',') break;
    flags.system |= system_flag(letter);
    if (ascii::is_lower(letter)) flags.keywords |= std::uint64_t{1} << (letter - 'a');
  }
  return flags;
}

std::optional<std::uint64_t> FileName::number(std::string_view key) const {
  const std::size_t start = base.find(key);
  if (start == std::string_view::npos) return std::nullopt;
  return ascii::parse_number(digits_of(base.substr(start + key.size())), INT64_MAX);
}

std::string file_name(std::string_view base, Flags flags, std::string_view info) {
  std::string text;
  std::string_view rest;
  if (info.starts_with(info_start)) {
    info.remove_prefix(info_start.size());
    const std::size_t comma = std::min(info.find(','), info.size());
    rest = info.substr(comma);
    for (const char letter : info.substr(0, comma)) {
      if (system_flag(letter) == 0 && !ascii::is_lower(letter) && text.find(letter) == std::string::npos) text += letter;
    }
  }
  for (const auto& [letter, bit] : letters) {
    if ((flags.system & bit) != 0) text += letter;
  }
  for (unsigned i = 0; i < letter_keywords; ++i) {
    if ((flags.keywords >> i & 1) != 0) text += static_cast<char>('a' + i);
  }
  std::ranges::sort(text);
  return std::string(base) + ":2," + text + std::string(rest);
}

bool arrived_before(std::string_view a, std::string_view b) {
  const std::string_view x = digits_of(a), y = digits_of(b);
  if (x.size() != y.size() && !x.empty() && !y.empty()) return x.size() < y.size();
  return a < b;
}

}  // namespace store
