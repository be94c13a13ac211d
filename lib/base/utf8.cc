#include "lib/base/utf8.h"

#include <array>

namespace base {

std::optional<char32_t> take_character(std::string_view& text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  const std::size_t size = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : (lead & 0xf0) == 0xe0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  constexpr std::array<unsigned char, 5> lead_bits{0, 0x7f, 0x1f, 0x0f, 0x07};
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  char32_t c = lead & lead_bits[size];
  bool is_valid = size != 0 && size <= text.size();
  for (std::size_t i = 1; is_valid && i < size; ++i) {
    is_valid = (at(i) & 0xc0) == 0x80;
    c = c << 6 | (at(i) & 0x3f);
  }
  is_valid = is_valid && c >= smallest[size] && c <= 0x10ffff && (c < 0xd800 || c >= 0xe000);
  text.remove_prefix(is_valid ? size : 1);
  return is_valid ? std::optional(c) : std::nullopt;
}

void append_character(std::string& out, char32_t c) {
  const auto byte = [&](char32_t bits) { out += static_cast<char>(static_cast<unsigned char>(bits)); };
  const auto tail = [&](unsigned shift) { byte(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xc0 | c >> 6);
    tail(0);
  } else if (c < 0x10000) {
    byte(0xe0 | c >> 12);
    tail(6), tail(0);
  } else {
    byte(0xf0 | c >> 18);
    tail(12), tail(6), tail(0);
  }
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    if (static_cast<unsigned char>(text.front()) < 0x80) text.remove_prefix(1);
    else if (!take_character(text)) return false;
  }
  return true;
}

}  // namespace base
