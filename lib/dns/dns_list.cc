#include "lib/dns/dns_list.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace dns {
namespace {

constexpr std::size_t most = 255;

// Reads a pattern from the left; the errors are the reference's, with the place between ">" and "<".
class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : text_(text) {}

  Result<void> read(std::array<std::bitset<256>, 4>& numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (i > 0) TRY(expect('.', "need \".\""));
      if (has('[')) TRY(read_set(numbers[i]));
      else numbers[i].set(TRY(number("need decimal number 0..255 or \"[\"")));
    }
    return at_ == text_.size() ? Result<void>{} : fail("garbage after pattern");
  }

 private:
  [[nodiscard]] bool has(char c) const { return at_ < text_.size() && text_[at_] == c; }

  // `size`: of what is wrong.
  [[nodiscard]] base::Failure fail(std::string_view what, std::size_t size = 1) const {
    const std::string_view wrong = text_.substr(at_, size);
    return base::fail(fmt::format("{} at \"{}>{}<{}\"", what, text_.substr(0, at_), wrong, text_.substr(at_ + wrong.size())));
  }

  Result<void> expect(char c, std::string_view what) {
    if (!has(c)) return fail(what);
    ++at_;
    return {};
  }

  Result<std::size_t> number(std::string_view what) {
    const std::size_t start = at_;
    while (at_ < text_.size() && ascii::is_digit(text_[at_])) ++at_;
    const auto value = ascii::parse_number(text_.substr(start, at_ - start), most);
    if (value) return static_cast<std::size_t>(*value);
    const std::size_t size = std::max<std::size_t>(at_ - start, 1);
    at_ = start;
    return fail(what, size);
  }

  // "[1;3..5]".
  Result<void> read_set(std::bitset<256>& set) {
    do {
      ++at_;
      const std::size_t first = TRY(number("need decimal number 0..255"));
      std::size_t last = first;
      if (text_.substr(at_).starts_with("..")) {
        const std::size_t start = at_ += 2;
        last = TRY(number("need decimal number 0..255"));
        if (last < first) {
          at_ = start;
          return fail("numeric range error");
        }
      }
      for (std::size_t n = first; n <= last; ++n) set.set(n);
    } while (has(';'));
    return expect(']', "need \";\" or \"]\"");
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<AddressPattern> AddressPattern::parse(std::string_view text) {
  AddressPattern pattern;
  TRY(PatternReader(text).read(pattern.numbers_));
  return pattern;
}

bool AddressPattern::matches(const io::Address& address) const {
  if (address.is_v6()) return false;
  const std::string_view bytes = address.bytes();
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    if (!numbers_[i].test(static_cast<unsigned char>(bytes[i]))) return false;
  }
  return true;
}

Result<DnsList> DnsList::parse(std::string_view text) {
  DnsList list;
  const std::size_t equals = text.find('=');
  list.domain = text.substr(0, equals);
  if (equals != std::string_view::npos) list.pattern = TRY(AddressPattern::parse(text.substr(equals + 1)));
  return list;
}

std::string reversed(const io::Address& address) {
  constexpr std::string_view hex = "0123456789abcdef";
  const std::string_view bytes = address.bytes();
  std::string text;
  for (auto it = bytes.rbegin(); it != bytes.rend(); ++it) {
    const auto byte = static_cast<unsigned char>(*it);
    if (!text.empty()) text += '.';
    if (address.is_v6()) {
      text += hex[byte & 15];
      text += '.';
      text += hex[byte >> 4];
    } else {
      text += std::to_string(byte);
    }
  }
  return text;
}

}  // namespace dns
