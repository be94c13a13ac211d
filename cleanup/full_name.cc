#include "cleanup/full_name.h"

#include <algorithm>

#include <fmt/core.h>

#include "lib/base/ascii.h"

namespace cleanup {
namespace {

constexpr std::size_t encoded_word_limit = 75;  // RFC 2047 section 2
constexpr std::size_t line_length = 70;         // where Postfix folds

// Letters of an atom or the space between two.
bool is_phrase_text(char c) {
  constexpr std::string_view others = "!#$%&'*+-/=?^_`{|}~ ";  // RFC 5322 section 3.2.3
  return ascii::is_alnum(c) || others.contains(c);
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
  return out;
}

// One byte in the Q encoding, with what a phrase allows unencoded (RFC 2047 section 5, rule 3).
std::string q_encoded(char c) {
  constexpr std::string_view plain = "!*+-/";
  if (ascii::is_alnum(c) || plain.contains(c)) return std::string(1, c);
  if (c == ' ') return "_";
  return fmt::format("={:02X}", static_cast<unsigned char>(c));
}

// The bytes of the character at the start of `text`: an encoded word may not end within one.
std::size_t character_length(std::string_view text, bool is_utf8) {
  std::size_t n = 1;
  while (is_utf8 && n < text.size() && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) ++n;
  return n;
}

std::string encoded(std::string_view text, std::string_view charset) {
  const std::string start = fmt::format("=?{}?Q?", charset);
  const bool is_utf8 = ascii::equal_ignoring_case(charset, "utf-8");
  std::string out, word;
  const auto end_word = [&] {
    if (!out.empty()) out += "\n\t";
    out += start + word + "?=";
    word.clear();
  };
  while (!text.empty()) {
    std::string character;
    for (const char c : text.substr(0, character_length(text, is_utf8))) character += q_encoded(c);
    if (start.size() + word.size() + character.size() + 2 > encoded_word_limit) end_word();
    word += character;
    text.remove_prefix(character_length(text, is_utf8));
  }
  end_word();
  return out;
}

// The name as the text of a comment (RFC 5322 section 3.2.2), where parentheses come in pairs and a blank is one.
std::string comment(std::string_view full_name, std::string_view charset) {
  if (!ascii::is_ascii(full_name) && !charset.empty()) return phrase(full_name, charset);
  std::string out;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < full_name.size(); ++i) {
    const char c = full_name[i];
    if (ascii::is_space(c) || c == '\0') {
      if (!out.empty() && out.back() != ' ') out += ' ';
      continue;
    }
    if (c == ')' && depth == 0) continue;
    if (c == '(') ++depth;
    if (c == ')') --depth;
    out += c;
    if (c == '\\' && i + 1 < full_name.size()) out += full_name[++i];
  }
  if (out.ends_with(' ')) out.pop_back();
  out.append(depth, ')');
  return out;
}

}  // namespace

std::string phrase(std::string_view full_name, std::string_view charset) {
  std::string name(full_name);
  std::ranges::replace_if(name, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  if (!ascii::is_ascii(name) && !charset.empty()) return encoded(name, charset);
  return std::ranges::all_of(name, is_phrase_text) ? name : in_quotes(name);
}

std::string from_field(std::string_view name, std::string_view full_name, std::string_view sender,
                       const Policy& policy) {
  if (sender.empty()) return fmt::format("{}: MAILER-DAEMON", name);
  if (ascii::trim(full_name).empty()) return fmt::format("{}: {}", name, sender);
  if (policy.from_format == FromFormat::obsolete) {
    return fmt::format("{}: {} ({})", name, sender, comment(full_name, policy.full_name_encoding_charset));
  }
  const std::string words = phrase(full_name, policy.full_name_encoding_charset);
  std::string field = fmt::format("{}: {}", name, words);
  const std::size_t column = field.size() - (field.rfind('\n') + 1);
  const bool fits = column + sender.size() + 3 < line_length;
  return fmt::format("{}{}<{}>", field, fits ? " " : "\n\t", sender);
}

}  // namespace cleanup
