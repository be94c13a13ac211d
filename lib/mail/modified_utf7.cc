#include "lib/mail/modified_utf7.h"

#include <array>
#include <cstdint>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"

namespace mail {
namespace {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
constexpr char32_t replacement = 0xfffd;

constexpr auto base64_values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < base64_digits.size(); ++i) values[static_cast<unsigned char>(base64_digits[i])] = static_cast<std::int8_t>(i);
  return values;
}();

bool is_direct(char c) { return ascii::is_printable(c) && c != '&'; }

constexpr bool is_high_surrogate(char32_t c) { return c >= 0xd800 && c < 0xdc00; }
constexpr bool is_low_surrogate(char32_t c) { return c >= 0xdc00 && c < 0xe000; }

// The base64 between '&' and '-', as UTF-8.
bool decode_shifted(std::string_view digits, std::string& out) {
  std::uint32_t bits = 0;
  unsigned count = 0;
  char32_t high = 0;
  for (const char digit : digits) {
    const int value = base64_values[static_cast<unsigned char>(digit)];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 16) continue;
    count -= 16;
    const char32_t unit = bits >> count & 0xffff;
    bits &= (1U << count) - 1;
    if (is_low_surrogate(unit) != (high != 0)) return false;
    if (is_high_surrogate(unit)) {
      high = unit;
    } else if (high != 0) {
      base::append_character(out, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
      high = 0;
    } else {
      if (unit == 0 || (unit < 0x80 && ascii::is_printable(static_cast<char>(unit)))) return false;
      base::append_character(out, unit);
    }
  }
  return high == 0 && count < 6 && bits == 0;
}

class Shifted {
 public:
  explicit Shifted(std::string& out) : out_(out) {}
  void put(char32_t c) {
    if (c >= 0x10000) {
      put_unit(0xd800 + ((c - 0x10000) >> 10));
      put_unit(0xdc00 + ((c - 0x10000) & 0x3ff));
    } else {
      put_unit(c);
    }
  }
  void close() {
    if (!is_open_) return;
    if (count_ != 0) out_ += base64_digits[bits_ << (6 - count_) & 0x3f];
    out_ += '-';
    is_open_ = false;
    bits_ = count_ = 0;
  }

 private:
  void put_unit(char32_t unit) {
    if (!is_open_) out_ += '&';
    is_open_ = true;
    bits_ = bits_ << 16 | static_cast<std::uint32_t>(unit);
    for (count_ += 16; count_ >= 6; count_ -= 6) out_ += base64_digits[bits_ >> (count_ - 6) & 0x3f];
    bits_ &= (1U << count_) - 1;
  }

  std::string& out_;
  bool is_open_ = false;
  std::uint32_t bits_ = 0;
  unsigned count_ = 0;
};

}  // namespace

std::optional<std::string> decode_modified_utf7(std::string_view text) {
  std::string out;
  bool was_shifted = false;
  while (!text.empty()) {
    if (text.front() != '&') {
      if (!is_direct(text.front())) return std::nullopt;
      out += text.front();
      text.remove_prefix(1);
      was_shifted = false;
      continue;
    }
    const std::size_t end = text.find('-');
    if (end == std::string_view::npos) return std::nullopt;
    if (end == 1) {
      out += '&';
      was_shifted = false;
    } else {
      // Two in a row are one needlessly closed.
      if (was_shifted || !decode_shifted(text.substr(1, end - 1), out)) return std::nullopt;
      was_shifted = true;
    }
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string encode_modified_utf7(std::string_view utf8) {
  std::string out;
  Shifted shifted(out);
  while (!utf8.empty()) {
    const char32_t c = base::take_character(utf8).value_or(replacement);
    if (c >= 0x80 || !ascii::is_printable(static_cast<char>(c))) {
      shifted.put(c);
      continue;
    }
    shifted.close();
    out += static_cast<char>(c);
    if (c == '&') out += '-';
  }
  shifted.close();
  return out;
}

}  // namespace mail
