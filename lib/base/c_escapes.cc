#include "lib/base/c_escapes.h"

#include <algorithm>

#include "lib/base/ascii.h"

namespace base {
namespace {

constexpr std::string_view letters = "abfnrtv", meanings = "\a\b\f\n\r\t\v";
constexpr std::string_view octal_digits = "01234567";
constexpr std::size_t octal_limit = 3;

}  // namespace

std::string unescape_c(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t backslash = std::min(text.find('\\'), text.size() - 1);
    out += text.substr(0, backslash);
    text.remove_prefix(backslash);
    if (text.size() == 1) return out += text;
    text.remove_prefix(1);
    const std::size_t digits = std::min(text.find_first_not_of(octal_digits), std::min(text.size(), octal_limit));
    if (digits == 0) {
      const std::size_t letter = letters.find(text.front());
      out += letter == std::string_view::npos ? text.front() : meanings[letter];
      text.remove_prefix(1);
      continue;
    }
    unsigned value = 0;
    for (const char digit : text.substr(0, digits)) value = value * 8 + static_cast<unsigned>(digit - '0');
    out += static_cast<char>(value);
    text.remove_prefix(digits);
  }
  return out;
}

std::string escape_c(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const std::size_t letter = meanings.find(c);
    if (letter != std::string_view::npos) {
      out += '\\';
      out += letters[letter];
    } else if (ascii::is_printable(c)) {
      if (c == '\\') out += c;
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      for (const char part : {'\\', octal_digits[byte >> 6U], octal_digits[(byte >> 3U) & 7U], octal_digits[byte & 7U]}) out += part;
    }
  }
  return out;
}

}  // namespace base
