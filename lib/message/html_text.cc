#include "lib/message/html_text.h"

#include <algorithm>
#include <array>
#include <optional>

#include <unicode/utf8.h>

#include "lib/base/ascii.h"

namespace message {
namespace {

constexpr std::size_t name_limit = 32;  // of a tag or an entity; longer ones are none

// U+00A0 to U+00FF.
constexpr std::array<std::string_view, 96> latin{
    "nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",   "uml",    "copy",   "ordf",   "laquo",
    "not",    "shy",    "reg",    "macr",   "deg",    "plusmn", "sup2",   "sup3",   "acute",  "micro",  "para",   "middot",
    "cedil",  "sup1",   "ordm",   "raquo",  "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc",  "Atilde",
    "Auml",   "Aring",  "AElig",  "Ccedil", "Egrave", "Eacute", "Ecirc",  "Euml",   "Igrave", "Iacute", "Icirc",  "Iuml",
    "ETH",    "Ntilde", "Ograve", "Oacute", "Ocirc",  "Otilde", "Ouml",   "times",  "Oslash", "Ugrave", "Uacute", "Ucirc",
    "Uuml",   "Yacute", "THORN",  "szlig",  "agrave", "aacute", "acirc",  "atilde", "auml",   "aring",  "aelig",  "ccedil",
    "egrave", "eacute", "ecirc",  "euml",   "igrave", "iacute", "icirc",  "iuml",   "eth",    "ntilde", "ograve", "oacute",
    "ocirc",  "otilde", "ouml",   "divide", "oslash", "ugrave", "uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml"};

struct Entity {
  std::string_view name;
  char32_t code;
};
constexpr std::array others{
    Entity{"quot", U'"'},       Entity{"amp", U'&'},        Entity{"lt", U'<'},         Entity{"gt", U'>'},         Entity{"apos", U'\''},
    Entity{"OElig", U'\x152'},  Entity{"oelig", U'\x153'},  Entity{"Scaron", U'\x160'}, Entity{"scaron", U'\x161'}, Entity{"Yuml", U'\x178'},
    Entity{"fnof", U'\x192'},   Entity{"circ", U'\x2c6'},   Entity{"tilde", U'\x2dc'},  Entity{"ensp", U'\x2002'},  Entity{"emsp", U'\x2003'},
    Entity{"thinsp", U'\x2009'}, Entity{"zwnj", U'\x200c'}, Entity{"zwj", U'\x200d'},   Entity{"lrm", U'\x200e'},   Entity{"rlm", U'\x200f'},
    Entity{"ndash", U'\x2013'}, Entity{"mdash", U'\x2014'}, Entity{"lsquo", U'\x2018'}, Entity{"rsquo", U'\x2019'}, Entity{"sbquo", U'\x201a'},
    Entity{"ldquo", U'\x201c'}, Entity{"rdquo", U'\x201d'}, Entity{"bdquo", U'\x201e'}, Entity{"dagger", U'\x2020'}, Entity{"Dagger", U'\x2021'},
    Entity{"bull", U'\x2022'},  Entity{"hellip", U'\x2026'}, Entity{"permil", U'\x2030'}, Entity{"lsaquo", U'\x2039'}, Entity{"rsaquo", U'\x203a'},
    Entity{"euro", U'\x20ac'},  Entity{"trade", U'\x2122'}, Entity{"larr", U'\x2190'},  Entity{"rarr", U'\x2192'},  Entity{"minus", U'\x2212'},
    Entity{"ne", U'\x2260'},    Entity{"le", U'\x2264'},    Entity{"ge", U'\x2265'},    Entity{"infin", U'\x221e'}};

std::optional<std::uint64_t> parse_hex(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    const char lower = ascii::to_lower(c);
    if (!ascii::is_digit(c) && (lower < 'a' || lower > 'f')) return std::nullopt;
    value = std::min<std::uint64_t>(value * 16 + static_cast<std::uint64_t>(ascii::is_digit(c) ? c - '0' : lower - 'a' + 10), 0x110000);
  }
  return digits.empty() ? std::nullopt : std::optional(value);
}

// What "&name;" stands for; none when it is nothing.
std::optional<char32_t> character(std::string_view name) {
  if (name.starts_with('#')) {
    const bool is_hex = name.size() > 1 && ascii::to_lower(name[1]) == 'x';
    const auto code = is_hex ? parse_hex(name.substr(2)) : ascii::parse_number(name.substr(1));
    if (!code || *code == 0 || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000)) return std::nullopt;
    return static_cast<char32_t>(*code);
  }
  if (const auto* found = std::ranges::find(others, name, &Entity::name); found != others.end()) return found->code;
  const auto* found = std::ranges::find(latin, name);
  if (found == latin.end()) return std::nullopt;
  return static_cast<char32_t>(0xa0 + (found - latin.begin()));
}

void append(std::string& out, char32_t code) {
  std::array<char, 4> bytes{};
  std::size_t size = 0;
  U8_APPEND_UNSAFE(bytes.data(), size, code);
  out.append(bytes.data(), size);
}

}  // namespace

void HtmlText::take(std::string_view piece, std::string& out, std::string& quoted) {
  for (const char c : piece) take(c, quotes_ > 0 ? quoted : out);
}

void HtmlText::finish(std::string& out, std::string& quoted) {
  if (state_ == State::entity) entity('\0', quotes_ > 0 ? quoted : out);
}

void HtmlText::take(char c, std::string& out) {
  switch (state_) {
    case State::text: text(c, out); break;
    case State::entity: entity(c, out); break;
    case State::tag: tag(c, out); break;
    case State::comment:
      if (c == '>' && last_ == '-' && before_last_ == '-') state_ = State::text;
      before_last_ = last_;
      last_ = c;
      break;
  }
}

void HtmlText::text(char c, std::string& out) {
  if (c == '<') {
    state_ = State::tag;
    kept_.clear();
    last_ = quote_ = '\0';
  } else if (!hidden_.empty()) {
    return;
  } else if (c == '&') {
    state_ = State::entity;
    kept_.clear();
  } else {
    out += c;
  }
}

void HtmlText::entity(char c, std::string& out) {
  if ((ascii::is_alnum(c) || c == '#') && kept_.size() < name_limit) {
    kept_ += c;
    return;
  }
  state_ = State::text;
  if (c == ';') {
    if (const auto code = character(kept_)) append(out, *code);
    else if (kept_.empty()) out += "&;";
    return;
  }
  out += '&';
  out += kept_;
  if (c != '\0') text(c, out);
}

void HtmlText::tag(char c, std::string& out) {
  if (quote_ != '\0') {
    if (c == quote_) quote_ = '\0';
    return;
  }
  // Within a script "<" is less than.
  if (!hidden_.empty() && kept_.empty() && c != '/') {
    state_ = State::text;
    return;
  }
  if (c == '>') return end_tag(out);
  if ((c == '"' || c == '\'') && last_ == '=') quote_ = c;
  if (kept_.size() < name_limit) kept_ += c;
  if (!ascii::is_space(c)) last_ = c;
  if (kept_ != "!--") return;
  state_ = State::comment;
  last_ = before_last_ = '\0';
}

void HtmlText::end_tag(std::string& out) {
  state_ = State::text;
  const std::size_t start = kept_.starts_with('/') ? 1 : 0;
  const std::size_t end = std::min(kept_.find_first_of(" \t\r\n/", start), kept_.size());
  const std::string name = ascii::lowercase(std::string_view(kept_).substr(start, end - start));
  if (!hidden_.empty()) {
    if (start == 1 && name == hidden_) hidden_.clear();
    return;
  }
  out += ' ';
  if (start == 0 && (name == "script" || name == "style")) hidden_ = name;
  if (name != "blockquote") return;
  if (start == 0) ++quotes_;
  else if (quotes_ > 0) --quotes_;
}

}  // namespace message
