#include "lib/message/parameters.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <tuple>

#include "lib/base/ascii.h"
#include "lib/message/charset.h"
#include "lib/message/lexer.h"

namespace message {
namespace {

constexpr std::size_t piece_digits = 6;  // of a piece's number

bool is_token(char c) {
  return static_cast<unsigned char>(c) >= 0x80 || (c > ' ' && c < 0x7f && !std::string_view("()<>@,;:\\\"/[]?=").contains(c));
}

// A parameter as RFC 2231 names it.
struct Piece {
  std::string name;
  std::uint32_t number = 0;
  bool is_extended = false;  // "name*", "name*0*"
  std::string value;
};

std::optional<unsigned> hex_digit(char c) {
  if (ascii::is_digit(c)) return static_cast<unsigned>(c - '0');
  const char lower = ascii::to_lower(c);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a' + 10);
  return std::nullopt;
}

// None when something is no escape.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    const auto high = at + 2 < text.size() ? hex_digit(text[at + 1]) : std::nullopt;
    const auto low = at + 2 < text.size() ? hex_digit(text[at + 2]) : std::nullopt;
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high << 4 | *low);
    at += 2;
  }
  return out;
}

// Takes "charset'language'" away; nothing when it is not there.
std::string_view take_charset(std::string_view& value) {
  const std::size_t first = value.find('\'');
  const std::size_t second = first == std::string_view::npos ? first : value.find('\'', first + 1);
  if (second == std::string_view::npos) return {};
  const std::string_view charset = value.substr(0, first);
  value.remove_prefix(second + 1);
  return charset;
}

// Stays as it is where it cannot be decoded.
std::string decoded(std::string_view charset, std::string_view value) {
  if (charset.empty()) return std::string(value);
  auto bytes = percent_decoded(value);
  auto text = bytes ? to_utf8(charset, *bytes) : std::nullopt;
  return text ? std::move(*text) : std::string(value);
}

class Collector {
 public:
  explicit Collector(Parameters& to) : to_(to) {}

  void add(std::string_view name, std::string value) {
    const bool is_extended = name.ends_with('*');
    const std::string_view stem = is_extended ? name.substr(0, name.size() - 1) : name;
    const std::size_t star = stem.rfind('*');
    const std::string_view digits = star == std::string_view::npos ? std::string_view() : stem.substr(star + 1);
    if (const auto number = digits.size() <= piece_digits ? ascii::parse_number(digits) : std::nullopt; number) {
      pieces_.push_back({std::string(stem.substr(0, star)), static_cast<std::uint32_t>(*number), is_extended, std::move(value)});
    } else if (is_extended) {
      std::string_view rest = value;
      const std::string_view charset = take_charset(rest);
      put(std::string(stem), decoded(charset, rest));
    } else {
      put(std::string(name), std::move(value));
    }
  }

  void finish() {
    std::ranges::stable_sort(pieces_, {}, [](const Piece& piece) { return std::tie(piece.name, piece.number); });
    for (std::size_t start = 0, end = 0; start < pieces_.size(); start = end) {
      bool is_whole = true;
      for (end = start; end < pieces_.size() && pieces_[end].name == pieces_[start].name; ++end)
        is_whole = is_whole && pieces_[end].number == end - start;
      if (is_whole) join(start, end);
      else for (std::size_t i = start; i < end; ++i) put(pieces_[i].name + '*' + std::to_string(pieces_[i].number), std::move(pieces_[i].value));
    }
  }

 private:
  void put(std::string name, std::string value) {
    if (names_.insert(ascii::lowercase(name)).second) to_.all.emplace_back(std::move(name), std::move(value));
  }

  // The character set stands in the first piece. Each piece is decoded by itself, as in Dovecot.
  void join(std::size_t start, std::size_t end) {
    std::string value;
    std::string_view charset;
    for (std::size_t i = start; i < end; ++i) {
      std::string_view rest = pieces_[i].value;
      if (i == start && pieces_[i].is_extended) charset = take_charset(rest);
      value += pieces_[i].is_extended ? decoded(charset, rest) : std::string(rest);
    }
    put(pieces_[start].name, std::move(value));
  }

  Parameters& to_;
  std::vector<Piece> pieces_;
  std::set<std::string> names_;
};

// "; name=value" as often as it comes. What is no parameter ends behind the next semicolon that is not its own first character.
Parameters parse_parameters(Lexer& lexer) {
  Parameters parameters;
  Collector collector(parameters);
  for (std::size_t count = 0; count < parameter_limit && !lexer.at_end(); ++count) {
    lexer.skip_behind(';');
    if (!lexer.skip() || lexer.at_end()) break;
    const std::string_view name = lexer.run(is_token);
    if (!lexer.skip()) break;
    if (!lexer.take('=')) {
      lexer.advance();
      continue;
    }
    if (!lexer.skip()) {
      collector.add(name, {});
      break;
    }
    std::string value;
    if (!lexer.is_at('"')) value = lexer.run(is_token);
    else if (!lexer.quoted(value)) break;
    collector.add(name, std::move(value));
  }
  collector.finish();
  return parameters;
}

}  // namespace

const std::string* Parameters::find(std::string_view name) const {
  const auto found = std::ranges::find_if(all, [&](const auto& one) { return ascii::equal_ignoring_case(one.first, name); });
  return found == all.end() ? nullptr : &found->second;
}

bool ContentType::is(std::string_view other_type) const { return ascii::equal_ignoring_case(type, other_type); }

bool ContentType::is(std::string_view other_type, std::string_view other_subtype) const {
  return is(other_type) && ascii::equal_ignoring_case(subtype, other_subtype);
}

ContentType parse_content_type(std::string_view value) {
  Lexer lexer(value);
  lexer.skip();
  const std::string_view type = lexer.run(is_token);
  lexer.skip();
  std::string_view subtype;
  if (lexer.take('/')) {
    lexer.skip();
    subtype = lexer.run(is_token);
    lexer.skip();
    if (subtype.empty()) return {};
  }
  if (type.empty() || !(lexer.at_end() || lexer.is_at(';'))) return {};
  return {std::string(type), std::string(subtype), parse_parameters(lexer)};
}

Disposition parse_disposition(std::string_view value) {
  Lexer lexer(value);
  lexer.skip();
  std::string word(lexer.run(is_token));
  return {std::move(word), parse_parameters(lexer)};
}

std::optional<std::string> parse_encoding(std::string_view value) {
  Lexer lexer(value);
  lexer.skip();
  const std::string_view word = lexer.run(is_token);
  lexer.skip();
  if (word.empty() || !lexer.at_end()) return std::nullopt;
  return std::string(word);
}

std::vector<std::string> parse_languages(std::string_view value) {
  std::vector<std::string> languages;
  Lexer lexer(value);
  do {
    lexer.skip();
    const std::string_view word = lexer.run(is_token);
    if (word.empty()) break;
    languages.emplace_back(word);
    lexer.skip();
  } while (lexer.take(',') && languages.size() < parameter_limit);
  return languages;
}

}  // namespace message
