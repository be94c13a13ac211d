#include "lib/imap/response_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"

namespace imap {
namespace {

// What no string can have, but a message may; Dovecot shows it so.
constexpr char nul_shown = static_cast<char>(0x80);
// Of the set in one VANISHED.
constexpr std::size_t vanished_ranges_max = 500;
constexpr std::string_view line_end = "\r\n";

template <class... Arguments>
void append_text(std::string& out, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(out), text, std::forward<Arguments>(arguments)...);
}

bool is_plain(char c) { return c != '"' && c != '\\' && c != '\r' && c != '\n' && c != '\t' && c != '\0' && (c & '\x80') == 0; }

// RFC 9051: ASTRING-CHAR.
bool is_astring_char(char c) { return ascii::is_printable(c) && !std::string_view(" (){%*\"\\").contains(c); }

void append_with_backslashes(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

std::string_view word_of(Status status) {
  switch (status) {
    case Status::ok: return "OK";
    case Status::no: return "NO";
    case Status::bad: return "BAD";
    case Status::bye: return "BYE";
    case Status::preauth: return "PREAUTH";
  }
  return {};
}

// One line, whatever it was.
void append_text(std::string& out, std::string_view text) {
  for (const char c : text) out += ascii::is_control(c) ? ' ' : c;
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  if (text.size() > quoted_size_max || !std::ranges::all_of(text, is_plain)) return append_literal(out, text);
  out += '"';
  out += text;
  out += '"';
}

void append_astring(std::string& out, std::string_view text) {
  if (!text.empty() && std::ranges::all_of(text, is_astring_char) && !ascii::equal_ignoring_case(text, "NIL")) {
    out += text;
    return;
  }
  const bool fits_quotes = text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos && base::is_utf8(text);
  if (text.size() > quoted_size_max || !fits_quotes) return append_literal(out, text);
  append_with_backslashes(out, text);
}

void append_nil(std::string& out) { out += "NIL"; }

void append_literal(std::string& out, std::string_view text) {
  append_literal_header(out, text.size());
  const std::size_t begin = out.size();
  out += text;
  std::replace(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), '\0', nul_shown);
}

void append_literal_header(std::string& out, std::uint64_t size) { append_text(out, "{{{}}}\r\n", size); }

void append_literal8_header(std::string& out, std::uint64_t size) { append_text(out, "~{{{}}}\r\n", size); }

void append_date_time(std::string& out, const DateTime& date) {
  out += '"';
  out += date_time_text(date);
  out += '"';
}

void append_quoted_or_nil(std::string& out, std::string_view text) {
  if (text.empty()) append_nil(out);
  else append_string(out, text);
}

ListWriter::ListWriter(std::string& out) : out_(out) { out_ += '('; }

std::string& ListWriter::item() {
  if (!is_first_) out_ += ' ';
  is_first_ = false;
  return out_;
}

void ListWriter::close() { out_ += ')'; }

void append_flags(std::string& out, std::uint8_t system, std::span<const std::string> keywords) {
  ListWriter list(out);
  for (const SystemFlag& it : system_flags) {
    if ((system & it.bit) != 0) list.atom(it.name);
  }
  for (const std::string& keyword : keywords) list.atom(keyword);
  list.close();
}

void append_status(std::string& out, std::string_view tag, Status status, std::string_view code, std::string_view text) {
  append_text(out, "{} {} ", tag.empty() ? "*" : tag, word_of(status));
  if (!code.empty()) {
    out += '[';
    append_text(out, code);
    out += "] ";
  }
  append_text(out, text);
  out += line_end;
}

void append_syntax_error(std::string& out, std::string_view tag, std::string_view name, std::string_view text) {
  const std::string_view what = tag.empty() ? "tag" : "command";
  append_status(out, tag, Status::bad, {}, fmt::format("Error in IMAP {}{}{}: {}", what, name.empty() ? "" : " ", name, text));
}

void append_untagged(std::string& out, std::string_view text) {
  out += "* ";
  append_text(out, text);
  out += line_end;
}

void append_number(std::string& out, std::uint64_t number, std::string_view name) { append_text(out, "* {} {}\r\n", number, name); }

void append_vanished(std::string& out, Vanished when, const NumberSet& uids) {
  const auto& ranges = uids.ranges();
  for (std::size_t i = 0; i < ranges.size(); i += vanished_ranges_max) {
    const auto begin = ranges.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(vanished_ranges_max, ranges.size() - i));
    append_text(out, "* VANISHED {}{}\r\n", when == Vanished::earlier ? "(EARLIER) " : "", NumberSet::of({begin, end}).text());
  }
}

void append_search(std::string& out, std::string_view name, std::span<const std::uint32_t> numbers, std::uint64_t modseq) {
  append_text(out, "* {}", name);
  for (const std::uint32_t number : numbers) append_text(out, " {}", number);
  if (modseq != 0) append_text(out, " (MODSEQ {})", modseq);
  out += line_end;
}

EsearchWriter::EsearchWriter(std::string& out, std::string_view tag, Numbering numbering) : out_(out) {
  out_ += "* ESEARCH (TAG ";
  append_with_backslashes(out_, tag);
  out_ += ')';
  if (numbering == Numbering::uid) out_ += " UID";
}

void EsearchWriter::number(std::string_view name, std::uint64_t value) { append_text(out_, " {} {}", name, value); }

void EsearchWriter::set(std::string_view name, std::string_view set) { append_text(out_, " {} {}", name, set); }

void EsearchWriter::partial(std::string_view range, std::string_view set) {
  append_text(out_, " PARTIAL ({} {})", range, set.empty() ? "NIL" : set);
}

void EsearchWriter::relevancy(std::size_t count) {
  out_ += " RELEVANCY ";
  ListWriter list(out_);
  for (std::size_t i = 0; i < count; ++i) list.atom("1");
  list.close();
}

void EsearchWriter::update(std::string_view name, std::string_view set) { append_text(out_, " {} (0 {})", name, set); }

void EsearchWriter::close() { out_ += line_end; }

StatusWriter::StatusWriter(std::string& out, std::string_view name) : out_(begun(out, name)), list_(out) {}

std::string& StatusWriter::begun(std::string& out, std::string_view name) {
  out += "* STATUS ";
  append_astring(out, name);
  out += ' ';
  return out;
}

void StatusWriter::number(StatusItem item, std::uint64_t value) { append_text(list_.item(), "{} {}", status_item_name(item), value); }

void StatusWriter::text(StatusItem item, std::string_view value) { append_text(list_.item(), "{} {}", status_item_name(item), value); }

void StatusWriter::close() {
  list_.close();
  out_ += line_end;
}

void append_list(std::string& out, std::string_view command, std::span<const std::string_view> attributes, char separator,
                 std::string_view name) {
  append_text(out, "* {} ", command);
  ListWriter list(out);
  for (const std::string_view attribute : attributes) list.atom(attribute);
  list.close();
  out += ' ';
  if (separator == 0) append_nil(out);
  else append_with_backslashes(out, std::string_view(&separator, 1));
  out += ' ';
  append_astring(out, name);
}

}  // namespace imap
