#include "lib/imap/list_pattern.h"

#include <algorithm>
#include <bit>

#include "lib/base/ascii.h"

namespace imap {
namespace {

constexpr std::string_view inbox = "INBOX";
constexpr unsigned word_bits = 64;

bool is_wildcard(char c) { return c == '*' || c == '%'; }

// Places of the pattern, one bit each: which of them the name so far may have led to.
class Places {
 public:
  explicit Places(std::size_t size) : words_(size / word_bits + 1) {}
  [[nodiscard]] bool has(std::size_t place) const { return (words_[place / word_bits] >> (place % word_bits) & 1) != 0; }
  void add(std::size_t place) { words_[place / word_bits] |= std::uint64_t{1} << (place % word_bits); }
  void clear() { std::ranges::fill(words_, 0); }
  [[nodiscard]] bool empty() const { return std::ranges::all_of(words_, [](std::uint64_t word) { return word == 0; }); }
  template <class Visit>
  void each(Visit&& visit) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1) {
        visit(i * word_bits + static_cast<std::size_t>(std::countr_zero(word)));
      }
    }
  }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace

ListPattern::ListPattern(std::string_view pattern, char separator) : separator_(separator) {
  pattern = pattern.substr(0, list_pattern_size_max);
  for (const char c : pattern) {
    if (is_wildcard(c) && !pattern_.empty() && is_wildcard(pattern_.back())) {
      if (c == '*') pattern_.back() = c;   // what '*' takes holds what '%' takes
      continue;
    }
    has_wildcard_ = has_wildcard_ || is_wildcard(c);
    pattern_ += c;
  }
}

std::string_view ListPattern::prefix() const { return std::string_view(pattern_).substr(0, pattern_.find_first_of("*%")); }

ListMatch ListPattern::match(std::string_view name) const {
  // Most patterns end here.
  if (pattern_ == "*") return separator_ == 0 ? ListMatch::name : ListMatch::both;
  // So much of the name has no case.
  const bool is_inbox = name.starts_with(inbox) && (name.size() == inbox.size() || name[inbox.size()] == separator_);
  const std::size_t folded = is_inbox ? inbox.size() : 0;
  const auto is_same = [&](std::size_t at, char sign) { return sign == name[at] || (at < folded && ascii::to_upper(sign) == name[at]); };
  // Most names end here.
  const std::string_view start = prefix();
  for (std::size_t i = 0; i < std::min(start.size(), name.size()); ++i) {
    if (!is_same(i, start[i])) return ListMatch::none;
  }

  Places now(pattern_.size()), after(pattern_.size());
  // A wildcard may also take nothing: the place behind it comes with it.
  const auto enter = [this](Places& places, std::size_t place) {
    places.add(place);
    if (place < pattern_.size() && is_wildcard(pattern_[place])) places.add(place + 1);
  };
  const auto step = [&](char c, auto&& takes) {
    after.clear();
    now.each([&](std::size_t place) {
      if (place == pattern_.size()) return;
      const char sign = pattern_[place];
      if (sign == '*' || (sign == '%' && (c != separator_ || separator_ == 0))) enter(after, place);
      else if (!is_wildcard(sign) && takes(sign)) enter(after, place + 1);
    });
    std::swap(now, after);
  };
  enter(now, 0);
  for (std::size_t i = 0; i < name.size(); ++i) {
    step(name[i], [&](char sign) { return is_same(i, sign); });
    if (now.empty()) return ListMatch::none;
  }
  const bool is_match = now.has(pattern_.size());
  bool may_go_on = false;
  if (separator_ != 0) {
    step(separator_, [this](char sign) { return sign == separator_; });
    // At the end of the pattern nothing more can come, and a name does not end with a separator.
    now.each([&](std::size_t place) { may_go_on = may_go_on || place < pattern_.size(); });
  }
  if (is_match) return may_go_on ? ListMatch::both : ListMatch::name;
  return may_go_on ? ListMatch::below : ListMatch::none;
}

}  // namespace imap
