#include "lib/message/lexer.h"

#include "lib/base/ascii.h"
#include "lib/message/fields.h"

namespace message {
namespace {

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

void append(std::string& out, char c) {
  if (c == '\0') out += replacement;
  else if (!is_line_end(c)) out += c;
}

}  // namespace

bool is_atext(char c) {
  return static_cast<unsigned char>(c) >= 0x80 || ascii::is_alnum(c) || (c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c));
}

bool Lexer::take(char c) {
  if (!is_at(c)) return false;
  ++at_;
  return true;
}

void Lexer::skip_space() {
  static_cast<void>(run([](char c) { return c == ' ' || c == '\t' || is_line_end(c); }));
}

bool Lexer::skip(std::string* found) {
  for (skip_space(); is_at('('); skip_space()) {
    std::string text;
    if (!comment(found != nullptr ? &text : nullptr)) return false;
    if (found != nullptr && !text.empty()) *found = std::move(text);
  }
  return true;
}

bool Lexer::comment(std::string* out) {
  std::size_t depth = 0;
  for (; !at_end(); ++at_) {
    char c = text_[at_];
    if (c == '\\' && at_ + 1 < text_.size()) {
      c = text_[++at_];
    } else if (c == '(') {
      if (++depth == 1) continue;
    } else if (c == ')' && --depth == 0) {
      ++at_;
      return true;
    }
    if (out != nullptr) append(*out, c);
  }
  return false;
}

bool Lexer::quoted(std::string& out) {
  for (++at_; !at_end(); ++at_) {
    char c = text_[at_];
    if (c == '"') {
      ++at_;
      return true;
    }
    if (c == '\\') {
      if (++at_ >= text_.size()) return false;
      c = text_[at_];
    }
    append(out, c);
  }
  return false;
}

void Lexer::skip_behind(char c) {
  while (!at_end() && text_[at_] != c) ++at_;
  advance();
}

}  // namespace message
