#include "lib/message/section.h"

#include <algorithm>

#include "lib/base/ascii.h"
#include "lib/message/fields.h"
#include "lib/message/lexer.h"

namespace message {
namespace {

constexpr std::size_t name_limit = 10000;  // fields that a section may name

// "(A B "C")" and nothing behind it.
std::optional<std::vector<std::string>> parse_names(std::string_view text) {
  Lexer lexer(text);
  std::vector<std::string> names;
  if (!lexer.take('(')) return std::nullopt;
  while (!lexer.is_at(')')) {
    lexer.take(' ');
    std::string name;
    if (!lexer.is_at('"')) name = lexer.run([](char c) { return c > ' ' && c < 0x7f && c != '(' && c != ')' && c != '"'; });
    else if (!lexer.quoted(name)) return std::nullopt;
    if (name.empty() || names.size() == name_limit) return std::nullopt;
    names.push_back(std::move(name));
    if (!lexer.is_at(' ') && !lexer.is_at(')')) return std::nullopt;
  }
  lexer.take(')');
  if (!lexer.at_end() || names.empty()) return std::nullopt;
  return names;
}

WireText filtered(std::string_view header, const Section& section) {
  const bool keeps_named = section.what == Section::What::fields;
  std::vector<std::string> names;
  for (const std::string& name : section.names) names.push_back(ascii::lowercase(name));
  std::ranges::sort(names);
  WireText text;
  Fields fields(header);
  while (const auto field = fields.next()) {
    const bool is_named = std::ranges::binary_search(names, ascii::lowercase(field->name));
    if (is_named == keeps_named) text.add(field->text);
  }
  text.add(keeps_named ? std::string_view("\r\n") : fields.rest());
  return text;
}

void add(WireText& text, std::string_view message, const Extent& extent) { text.add(extent.of(message), extent.wire_size); }

}  // namespace

std::optional<Section> Section::parse(std::string_view text) {
  Section section;
  while (!text.empty() && ascii::is_digit(text.front())) {
    const std::size_t end = std::min(text.find('.'), text.size());
    const auto number = ascii::parse_number(text.substr(0, end), UINT32_MAX);
    if (!number || section.path.size() == path_limit) return std::nullopt;
    section.path.push_back(static_cast<std::uint32_t>(*number));
    if (end == text.size()) return section;
    text.remove_prefix(end + 1);
    if (text.empty()) return std::nullopt;
  }
  if (text.empty()) return section;
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string word = ascii::uppercase(text.substr(0, end));
  text.remove_prefix(end);
  if (word == "HEADER.FIELDS" || word == "HEADER.FIELDS.NOT") {
    section.what = word == "HEADER.FIELDS" ? What::fields : What::fields_not;
    auto names = text.starts_with(' ') ? parse_names(text.substr(1)) : std::nullopt;
    if (!names) return std::nullopt;
    section.names = std::move(*names);
    return section;
  }
  if (word == "HEADER") section.what = What::header;
  else if (word == "TEXT") section.what = What::text;
  else if (word == "MIME" && !section.path.empty()) section.what = What::mime;
  else return std::nullopt;
  if (!text.empty()) return std::nullopt;
  return section;
}

std::optional<std::size_t> find_part(const Parts& parts, const std::vector<std::uint32_t>& path) {
  std::size_t place = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    // An attached message has no number of its own: its parts are those of the part that holds it.
    if (i > 0 && parts[place].kind == Kind::message) {
      ++place;
      if (parts[place].kind != Kind::multipart) {
        if (path[i] != 1) return std::nullopt;
        continue;
      }
    }
    const Part& part = parts[place];
    if (part.kind != Kind::multipart) {
      const bool is_own = path[i] == 1 && (i == 0 || (i + 1 == path.size() && place > 0 && parts[part.parent].kind == Kind::multipart));
      if (!is_own) return std::nullopt;
      continue;
    }
    std::size_t child = place + 1;
    for (std::uint32_t number = path[i]; number > 1 && child < part.end; --number) child = parts[child].end;
    if (child >= part.end) return std::nullopt;
    place = child;
  }
  return place;
}

WireText find_section(std::string_view message, const Parts& parts, const Section& section) {
  WireText text;
  const auto found = find_part(parts, section.path);
  if (!found) return text;
  const Part& part = parts[*found];
  const Part* holder = &part;  // of the header and text that are asked for
  if (!section.path.empty()) holder = part.kind == Kind::message ? &parts[*found + 1] : nullptr;
  switch (section.what) {
    case Section::What::all: add(text, message, section.path.empty() ? part.whole() : part.body); break;
    case Section::What::mime: add(text, message, part.header); break;
    case Section::What::header: if (holder != nullptr) add(text, message, holder->header); break;
    case Section::What::text: if (holder != nullptr) add(text, message, holder->body); break;
    case Section::What::fields:
    case Section::What::fields_not: if (holder != nullptr) text = filtered(holder->header.of(message), section); break;
  }
  return text;
}

}  // namespace message
