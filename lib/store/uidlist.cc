#include "lib/store/uidlist.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace store {
namespace {

// Bytes of a short line, name and all: what saves the vector from growing in steps.
constexpr std::size_t line_size_guess = 48;
constexpr std::size_t mailbox_id_size = 32;

std::string_view take_line(std::string_view& rest) {
  const auto* end = static_cast<const char*>(std::memchr(rest.data(), '\n', rest.size()));
  const std::size_t size = end == nullptr ? rest.size() : static_cast<std::size_t>(end - rest.data());
  const std::string_view line = rest.substr(0, size);
  rest.remove_prefix(std::min(size + 1, rest.size()));
  return line;
}

std::optional<std::uint32_t> take_number(std::string_view& text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool is_mailbox_id(std::string_view text) {
  return text.size() == mailbox_id_size && std::ranges::all_of(text, [](char c) { return ascii::is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool parse_header(std::string_view line, Uidlist& list, bool& has_fields) {
  const auto version = take_number(line);
  has_fields = version == 3;
  if (version != 1 && version != 3) return false;
  const auto words = ascii::split(line, " \r");
  if (version == 1) {
    if (words.size() < 2) return false;
    list.validity = static_cast<std::uint32_t>(ascii::parse_number(words[0], UINT32_MAX).value_or(0));
    list.next = static_cast<std::uint32_t>(ascii::parse_number(words[1], UINT32_MAX).value_or(0));
  } else {
    list.next = 0;
    for (const std::string_view word : words) {
      const std::string_view value = word.substr(1);
      if (word[0] == 'V') {
        list.validity = static_cast<std::uint32_t>(ascii::parse_number(value, UINT32_MAX).value_or(0));
      } else if (word[0] == 'N') {
        list.next = static_cast<std::uint32_t>(ascii::parse_number(value, UINT32_MAX).value_or(0));
      } else if (word[0] == 'G' && is_mailbox_id(value)) {
        list.mailbox_id = value;
      } else {
        list.extra += ' ';
        list.extra += word;
      }
    }
  }
  return list.validity != 0 && list.next != 0;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() < 256 && name[0] != '.' && std::memchr(name.data(), '/', name.size()) == nullptr &&
         std::memchr(name.data(), '\0', name.size()) == nullptr;
}

std::optional<UidlistLine> parse_line(std::string_view line, bool has_fields) {
  UidlistLine parsed;
  const auto uid = take_number(line);
  if (!uid || *uid == 0 || !line.starts_with(' ')) return std::nullopt;
  parsed.uid = *uid;
  line.remove_prefix(1);
  if (has_fields) {
    // A field's value has no space, and none of the fields begins with ':'.
    const std::size_t colon = line.starts_with(':') ? 0 : line.find(" :");
    if (colon == std::string_view::npos) return std::nullopt;
    parsed.fields = line.substr(0, colon);
    line.remove_prefix(colon + (colon == 0 ? 1 : 2));
  }
  const auto* end = static_cast<const char*>(std::memchr(line.data(), ':', line.size()));
  parsed.name = end == nullptr ? line : line.substr(0, static_cast<std::size_t>(end - line.data()));
  if (!is_name(parsed.name)) return std::nullopt;
  return parsed;
}

}  // namespace

Result<Uidlist> Uidlist::parse(std::string whole_text) {
  Uidlist list;
  list.text = std::move(whole_text);
  list.text.reserve(64);  // on the heap, so that the lines stay where they are when the list is moved
  std::string_view rest = list.text;
  list.whole = rest.ends_with('\n');
  bool has_fields = false;
  if (!parse_header(take_line(rest), list, has_fields)) return base::fail("uidlist: no UIDVALIDITY in the first line");
  if (!has_fields) list.whole = false;  // version 1 is written anew as version 3
  // The torn end of a line could be a part of a name.
  if (!rest.empty() && !rest.ends_with('\n')) rest = rest.substr(0, rest.rfind('\n') == std::string_view::npos ? 0 : rest.rfind('\n') + 1);
  list.lines.reserve(rest.size() / line_size_guess);
  std::uint32_t last = 0;
  while (!rest.empty()) {
    const auto line = parse_line(take_line(rest), has_fields);
    if (!line || line->uid <= last || line->uid == UINT32_MAX) {
      list.whole = false;
      continue;
    }
    last = line->uid;
    list.lines.push_back(*line);
  }
  list.next = std::max(list.next, last + 1);
  return list;
}

const UidlistLine* Uidlist::find(std::uint32_t uid) const {
  const auto found = std::ranges::lower_bound(lines, uid, {}, &UidlistLine::uid);
  return found != lines.end() && found->uid == uid ? &*found : nullptr;
}

std::string Uidlist::header() const {
  return fmt::format("3 V{} N{}{}{}{}\n", validity, next, mailbox_id.empty() ? "" : " G", mailbox_id, extra);
}

void Uidlist::append_line(std::string& out, std::uint32_t uid, std::string_view fields, std::string_view name) {
  out += std::to_string(uid);
  out += ' ';
  out += fields;
  if (!fields.empty()) out += ' ';
  out += ':';
  out += name;
  out += '\n';
}

std::optional<std::string_view> field(std::string_view fields, char letter) {
  while (!fields.empty()) {
    const std::size_t end = std::min(fields.find(' '), fields.size());
    if (end > 0 && fields[0] == letter) return fields.substr(1, end - 1);
    fields.remove_prefix(std::min(end + 1, fields.size()));
  }
  return std::nullopt;
}

}  // namespace store
