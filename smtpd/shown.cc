#include "smtpd/shown.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace smtpd {

std::string without_utf8(std::string text, char replacement) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = replacement;
  }
  return text;
}

std::string escaped(std::string_view bytes) {
  constexpr std::string_view raw = "\a\b\f\n\r\t\v\\", letters = "abfnrtv\\";
  std::string out;
  for (const char c : bytes) {
    const std::size_t known = raw.find(c);
    if (known != std::string_view::npos) out += fmt::format("\\{}", letters[known]);
    else if (ascii::is_printable(c)) out += c;
    else out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace smtpd
