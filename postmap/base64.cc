#include "postmap/base64.h"

#include <fmt/core.h>

namespace postmap {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= group.size() ? alphabet[bits >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

Result<std::string> decode_base64(std::string_view text) {
  const auto malformed = [&] { return base::fail(fmt::format("malformed BASE64 value: {}", text.substr(0, 30))); };
  if (text.size() % 4 != 0) return malformed();
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    unsigned bits = 0;
    std::size_t padding = 0;
    for (const char c : text.substr(i, 4)) {
      const std::size_t value = alphabet.find(c);
      if (c == '=') {
        ++padding;
      } else if (value == std::string_view::npos || padding > 0) {
        return malformed();
      }
      bits = bits << 6 | (c == '=' ? 0U : static_cast<unsigned>(value));
    }
    if (padding > 2 || (padding > 0 && i + 4 != text.size())) return malformed();
    for (std::size_t k = 0; k < 3 - padding; ++k) bytes += static_cast<char>(bits >> (16 - 8 * k) & 255U);
  }
  return bytes;
}

}  // namespace postmap
