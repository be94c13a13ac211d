#include "lib/store/uidl_format.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace store {

Result<UidlFormat> UidlFormat::parse(std::string_view format) {
  constexpr int width_limit = 20;
  UidlFormat out;
  Piece piece;
  bool tells_apart = false;
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      if (format[at] <= ' ' || format[at] > '~') return base::fail("a character that no unique id may have");
      piece.text += format[at];
      continue;
    }
    if (++at < format.size() && format[at] == '%') {
      piece.text += '%';
      continue;
    }
    while (at < format.size() && ascii::is_digit(format[at])) piece.width = std::min(piece.width * 10 + (format[at++] - '0'), width_limit);
    if (at < format.size() && (format[at] == 'X' || format[at] == 'x')) piece.base = format[at++];
    if (at == format.size() || std::string_view("uvf").find(format[at]) == std::string_view::npos) {
      return base::fail(fmt::format("\"{}\" has a variable that there is not; there are %u, %v and %f", format));
    }
    piece.variable = format[at];
    tells_apart = tells_apart || piece.variable != 'v';
    out.needs_file_ = out.needs_file_ || piece.variable == 'f';
    out.pieces_.push_back(std::move(piece));
    piece = {};
  }
  if (!tells_apart) return base::fail(fmt::format("\"{}\" is the same for all messages", format));
  if (!piece.text.empty()) out.pieces_.push_back(std::move(piece));
  return out;
}

std::string UidlFormat::apply(const Facts& facts) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    out += piece.text;
    if (piece.variable == 0) continue;
    if (piece.variable == 'f') {
      out += facts.file;
      continue;
    }
    const std::uint32_t number = piece.variable == 'u' ? facts.uid : facts.uid_validity;
    switch (piece.base) {
      case 'X':   // small letters, as Dovecot's
      case 'x': out += fmt::format("{:0{}x}", number, piece.width); break;
      default: out += fmt::format("{:0{}}", number, piece.width); break;
    }
  }
  return out;
}

}  // namespace store
