#pragma once
// The words of structured fields (RFC 5322 section 3.2, RFC 2045 section 5.1): space and comments, quoted strings, runs of characters.

#include <cstddef>
#include <string>
#include <string_view>

namespace message {

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  // NUL at the end.
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }
  [[nodiscard]] bool is_at(char c) const { return !at_end() && text_[at_] == c; }
  bool take(char c);
  void advance() { if (!at_end()) ++at_; }
  [[nodiscard]] std::size_t place() const { return at_; }
  void go_back(std::size_t place) { at_ = place; }

  // Skips space and comments. False when a comment does not end: all is skipped then. `comment`: the text of the last one that is
  // not empty.
  bool skip(std::string* comment = nullptr);
  // Skips space.
  void skip_space();
  // The characters for which `is_part` holds.
  template <typename Predicate>
  std::string_view run(Predicate is_part) {
    const std::size_t start = at_;
    while (!at_end() && is_part(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }
  // Appends a quoted string's text, without quotes, backslashes and line ends. Must be at its quote. False when it does not end: all
  // is taken then.
  bool quoted(std::string& out);
  // Goes behind the next `c`, or to the end.
  void skip_behind(char c);

 private:
  bool comment(std::string* out);

  std::string_view text_;
  std::size_t at_ = 0;
};

// RFC 5322's atext, with bytes from 0x80 up.
[[nodiscard]] bool is_atext(char c);

}  // namespace message
