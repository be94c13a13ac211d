#pragma once
// Words and signs of address text (RFC 5322 section 3.2), liberal as Postfix is: for the names and values of aliases,
// .forward files and :include: lists. One pass without recursion; what is not terminated ends with the text.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mail {

struct Token {
  enum class Kind {
    atom,      // text without its backslashes; may hold any character that was escaped
    quoted,    // text without quotes and backslashes
    literal,   // "[192.0.2.1]", brackets included
    comment,   // "(text)", parentheses and backslashes included
    sign,      // one character: @ . , : ; < > ) ] | % !
  };
  Kind kind;
  std::string text;
  [[nodiscard]] bool is(char sign) const { return kind == Kind::sign && text.front() == sign; }
};

[[nodiscard]] std::vector<Token> tokenize(std::string_view text);

// The tokens as text: quoted where needed (external), or without quotes (internal). Words are one space apart, a comma
// is followed by one.
[[nodiscard]] std::string external_text(std::span<const Token> tokens);
[[nodiscard]] std::string internal_text(std::span<const Token> tokens);

}  // namespace mail
