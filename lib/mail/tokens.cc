#include "lib/mail/tokens.h"

#include <algorithm>

#include "lib/base/ascii.h"

namespace mail {
namespace {

constexpr std::string_view specials = "()<>@,;:\\\".[]";
constexpr std::string_view operators = "|%!";  // of local destinations and of routes

bool is_atom_character(char c) {
  return !ascii::is_space(c) && !ascii::is_control(c) && !specials.contains(c) && !operators.contains(c);
}

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (ascii::is_space(c)) {
        ++at_;
      } else if (c == '"') {
        quoted();
      } else if (c == '(') {
        comment();
      } else if (c == '[') {
        literal();
      } else if (c != '\\' && (specials.contains(c) || operators.contains(c))) {
        add(Token::Kind::sign, std::string(1, c));
        ++at_;
      } else {
        atom();
      }
    }
    return std::move(tokens_);
  }

 private:
  void add(Token::Kind kind, std::string text) { tokens_.push_back(Token{kind, std::move(text)}); }

  // The next character, an escaped one without its backslash; a space of any kind is a blank.
  char take_unescaped() {
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
    const char c = text_[at_++];
    return ascii::is_space(c) ? ' ' : c;
  }

  void quoted() {
    std::string word;
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"') word += take_unescaped();
    if (at_ < text_.size()) ++at_;
    add(Token::Kind::quoted, std::move(word));
  }

  void comment() {
    std::string word;
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      word += c;
      if (c == '\\' && at_ < text_.size()) {
        word += text_[at_++];
      } else if (c == '(') {
        ++depth;
      } else if (c == ')' && --depth == 0) {
        break;
      }
    }
    add(Token::Kind::comment, std::move(word));
  }

  void literal() {
    std::string word = "[";
    ++at_;
    while (at_ < text_.size() && text_[at_] != ']') word += take_unescaped();
    if (at_ < text_.size()) ++at_;
    add(Token::Kind::literal, word + ']');
  }

  // Control characters are kept: the text is quoted when it is written.
  void atom() {
    std::string word;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c != '\\' && !is_atom_character(c) && !(ascii::is_control(c) && !ascii::is_space(c))) break;
      word += take_unescaped();
    }
    add(Token::Kind::atom, std::move(word));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
};

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string external_token(const Token& token) {
  if (token.kind == Token::Kind::quoted) return in_quotes(token.text);
  if (token.kind == Token::Kind::atom && !std::ranges::all_of(token.text, is_atom_character)) return in_quotes(token.text);
  return token.text;
}

// Two words, or a word and the '<' after it, are a space apart.
bool needs_space(const Token& before, const Token& after) {
  if (before.is(',')) return true;
  return before.kind != Token::Kind::sign && (after.kind != Token::Kind::sign || after.is('<'));
}

template <class Write>
std::string join(std::span<const Token> tokens, Write write) {
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && needs_space(tokens[i - 1], tokens[i])) text += ' ';
    text += write(tokens[i]);
  }
  if (!tokens.empty() && tokens.back().is(',')) text += ' ';
  return text;
}

}  // namespace

std::vector<Token> tokenize(std::string_view text) { return Tokenizer(text).run(); }

std::string external_text(std::span<const Token> tokens) { return join(tokens, &external_token); }

std::string internal_text(std::span<const Token> tokens) {
  return join(tokens, [](const Token& token) { return token.text; });
}

}  // namespace mail
