#include "lib/maps/key_template.h"

#include <algorithm>

#include <fmt/core.h>

#include "lib/base/ascii.h"

namespace maps {
namespace {

constexpr std::string_view letters = "sudSUD123456789";

// Of a letter in lower case or a digit; empty: there is no such part.
std::string_view part(const AddressParts& of, char letter) {
  switch (letter) {
    case 's': return of.whole;
    case 'u': return of.local;
    case 'd': return of.domain;
    default: return of.label(static_cast<std::size_t>(letter - '0'));
  }
}

bool is_of_value(char letter) { return letter == 's' || letter == 'u' || letter == 'd'; }

}  // namespace

AddressParts::AddressParts(std::string_view text) : whole(text), local(text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) return;
  local = text.substr(0, at);
  domain = text.substr(at + 1);
}

std::string_view AddressParts::label(std::size_t place) const {
  std::string_view rest = domain;
  for (std::size_t i = 1;; ++i) {
    const std::size_t dot = rest.rfind('.');
    if (i == place) return dot == std::string_view::npos ? rest : rest.substr(dot + 1);
    if (dot == std::string_view::npos) return {};
    rest = rest.substr(0, dot);
  }
}

Result<KeyTemplate> KeyTemplate::parse(std::string_view text, std::string_view where, std::string_view what) {
  KeyTemplate result;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) result.pieces_.push_back({.text = std::exchange(literal, {})});
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      literal += text[i];
      continue;
    }
    const char letter = ++i < text.size() ? text[i] : '\0';
    if (letter == '%') {
      literal += '%';
    } else if (letter != '\0' && letters.contains(letter)) {
      end_literal();
      result.pieces_.push_back({.letter = letter});
    } else {
      return base::fail(fmt::format("db_common_parse: {}: Invalid {} template: {}", where, what, text));
    }
  }
  end_literal();
  return result;
}

bool KeyTemplate::can_ask(const AddressParts& key) const {
  return std::ranges::all_of(pieces_, [&](const Piece& piece) {
    return piece.letter == 0 || ascii::to_lower(piece.letter) == 's' || !part(key, ascii::to_lower(piece.letter)).empty();
  });
}

bool KeyTemplate::can_answer(const AddressParts& key) const {
  return std::ranges::all_of(pieces_, [&](const Piece& piece) {
    return piece.letter == 0 || is_of_value(piece.letter) || !part(key, ascii::to_lower(piece.letter)).empty();
  });
}

Result<std::optional<std::string>> KeyTemplate::question(const AddressParts& key, const Quote& quote) const {
  if (!can_ask(key)) return std::nullopt;
  std::string text;
  for (const Piece& piece : pieces_) text += piece.letter == 0 ? piece.text : TRY(quote(part(key, ascii::to_lower(piece.letter))));
  return text;
}

std::optional<std::string> KeyTemplate::result(std::string_view value, const AddressParts& key) const {
  if (value.empty()) return std::nullopt;
  const AddressParts parts(value);
  std::string text;
  for (const Piece& piece : pieces_) {
    if (piece.letter == 0) {
      text += piece.text;
      continue;
    }
    const std::string_view inserted = part(is_of_value(piece.letter) ? parts : key, ascii::to_lower(piece.letter));
    if (inserted.empty()) return std::nullopt;
    text += inserted;
  }
  return text;
}

}  // namespace maps
