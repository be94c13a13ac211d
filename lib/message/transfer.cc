#include "lib/message/transfer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/ascii.h"
#include "lib/message/fields.h"
#include "lib/message/parameters.h"

namespace message {
namespace {

constexpr std::uint8_t no_digit = 64, space = 65, padding = 66;

constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(no_digit);
  std::uint8_t value = 0;
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")) digits[static_cast<unsigned char>(c)] = value++;
  for (const char c : std::string_view(" \t\r\n")) digits[static_cast<unsigned char>(c)] = space;
  digits['='] = padding;
  return digits;
}
constexpr std::array<std::uint8_t, 256> base64_digits = make_digits();

int hex_value(char c) {
  if (ascii::is_digit(c)) return c - '0';
  const char lower = ascii::to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

}  // namespace

TransferEncoding transfer_encoding(std::string_view header) {
  using enum TransferEncoding;
  static constexpr std::array names{std::pair{"7bit", seven_bit}, std::pair{"8bit", eight_bit}, std::pair{"binary", binary},
                                    std::pair{"quoted-printable", quoted_printable}, std::pair{"base64", base64}};
  const auto value = find_field(header, "Content-Transfer-Encoding");
  if (!value) return seven_bit;
  const auto word = parse_encoding(*value);
  const auto* found = std::ranges::find_if(names, [&](const auto& name) { return word && ascii::equal_ignoring_case(name.first, *word); });
  return found == names.end() ? unknown : found->second;
}

void TransferDecoder::decode(std::string_view piece, std::string& out) {
  if (encoding_ == TransferEncoding::base64) base64(piece, out);
  else if (encoding_ == TransferEncoding::quoted_printable) quoted_printable(piece, out);
  else out += piece;
}

void TransferDecoder::finish(std::string& out) {
  if (encoding_ == TransferEncoding::base64 && !is_ended_ && held_ > 0) is_broken_ = true;
  // A "=" at the very end is a line that goes on with nothing.
  if (escape_.size() > 1) out += escape_;
  escape_.clear();
  spaces_.clear();
}

void TransferDecoder::base64(std::string_view piece, std::string& out) {
  out.reserve(out.size() + piece.size() / 4 * 3);
  for (const char c : piece) {
    const std::uint8_t value = base64_digits[static_cast<unsigned char>(c)];
    if (value == space) continue;
    if (is_ended_ || value >= no_digit) {
      if (value != padding || (held_ != 2 && held_ != 4)) is_broken_ = true;
      is_ended_ = true;
      if (is_broken_) return;
      continue;
    }
    bits_ = bits_ << 6 | value;
    held_ += 6;
    if (held_ < 8) continue;
    held_ -= 8;
    out += static_cast<char>(bits_ >> held_ & 0xff);
  }
}

void TransferDecoder::quoted_printable(std::string_view piece, std::string& out) {
  for (std::size_t at = 0; at < piece.size();) {
    const char c = piece[at];
    if (!escape_.empty()) {
      if (escape(c, out)) ++at;
    } else if (is_blank(c)) {
      spaces_ += c;
      ++at;
    } else if (c == '\n') {
      spaces_.clear();
      out += "\r\n";
      ++at;
    } else {
      out += std::exchange(spaces_, {});
      if (c == '=') {
        escape_ = c;
        ++at;
        continue;
      }
      std::size_t end = at + 1;
      while (end < piece.size() && !is_blank(piece[end]) && piece[end] != '\n' && piece[end] != '=') ++end;
      out += piece.substr(at, end - at);
      at = end;
    }
  }
}

// True when `c` belongs to the escape; else it stands for itself.
bool TransferDecoder::escape(char c, std::string& out) {
  const bool is_soft = escape_.size() == 1 || is_blank(escape_[1]);  // so far: the line goes on
  if (is_soft && c == '\n') {
    escape_.clear();
    return true;
  }
  if (is_soft && is_blank(c)) {
    escape_ += c;
    return true;
  }
  if (escape_.size() == 1 && hex_value(c) >= 0) {
    escape_ += c;
    return true;
  }
  if (escape_.size() == 2 && !is_soft && hex_value(c) >= 0) {
    out += static_cast<char>(hex_value(escape_[1]) << 4 | hex_value(c));
    escape_.clear();
    return true;
  }
  out += std::exchange(escape_, {});
  is_broken_ = true;
  return false;
}

}  // namespace message
