// The messages in test/data/messages, and what Dovecot says of them.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "lib/base/ascii.h"
#include "lib/message/content.h"
#include "lib/message/envelope.h"
#include "lib/message/imap_structure.h"
#include "lib/message/parts.h"
#include "lib/message/preview.h"
#include "lib/message/search.h"
#include "lib/message/section.h"

#include "lib/testing/catch.h"

using std::string_literals::operator""s;

namespace {

constexpr std::size_t long_message = 20000;  // of which no sections are recorded

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string folder() {
  const char* const source = std::getenv("srcdir");
  return (source != nullptr ? source : "."s) + "/test/data/messages/";
}

// By name.
const std::map<std::string, std::string>& read_messages() {
  static const auto messages = [] {
    std::map<std::string, std::string> all;
    for (const auto& file : std::filesystem::directory_iterator(folder()))
      if (file.path().extension() == ".eml") all[file.path().stem()] = read_file(file.path());
    return all;
  }();
  return messages;
}

// By message and item.
using Answers = std::map<std::pair<std::string, std::string>, std::string>;

// "== MESSAGE ITEM SIZE", the bytes, a line end.
Answers read_answers() {
  const std::string all = read_file(folder() + "answers");
  Answers answers;
  for (std::string_view rest = all; !rest.empty();) {
    REQUIRE(rest.starts_with("== "));
    const std::string_view line = rest.substr(3, rest.find('\n') - 3);
    const std::size_t space = line.find(' ');
    const std::size_t last = line.rfind(' ');
    const auto size = ascii::parse_number(line.substr(last + 1));
    REQUIRE(size);
    rest.remove_prefix(3 + line.size() + 1);
    answers[{std::string(line.substr(0, space)), std::string(line.substr(space + 1, last - space - 1))}] = rest.substr(0, *size);
    rest.remove_prefix(*size + 1);
  }
  return answers;
}

std::string read_all(const message::WireText& text, std::size_t offset = 0, std::size_t count = SIZE_MAX) {
  message::WireReader reader(text, offset, count);
  std::string out;
  while (reader.left() > 0) reader.read(out, 7);
  return out;
}

// A quoted string only where it is ASCII: that is what Dovecot does there.
void append_preview(std::string& out, const std::string& preview) {
  std::string text;
  message::append_string(text, preview);
  out += text.starts_with('{') ? preview : text;
}

std::string binary(std::string_view text, const message::Parts& parts, std::string_view item) {
  const auto section = message::Section::parse(item.substr(item.find('[') + 1, item.size() - item.find('[') - 2));
  REQUIRE(section);
  const bool is_size = item.starts_with("BINARY.SIZE");
  const auto found = message::decode_binary(text, parts, section->path);
  if (found) return is_size ? std::to_string(found->bytes.size()) : found->bytes;
  return found.error() == message::BinaryFault::broken ? "t NO [PARSE] Invalid data in MIME part" : "t NO [UNKNOWN-CTE] Unknown Content-Transfer-Encoding";
}

// What we say; none for an item of another test.
std::optional<std::string> ours(std::string_view text, const message::Parts& parts, std::string_view item) {
  std::string out;
  if (item == "RFC822.SIZE") {
    CHECK(message::wire_size(text) == parts.root().whole().wire_size);
    return std::to_string(parts.root().whole().wire_size);
  }
  if (item == "ENVELOPE") message::append_envelope(out, message::Envelope::parse(parts.root().header.of(text)));
  else if (item == "BODY") message::append_structure(out, text, parts, message::StructureForm::body);
  else if (item == "BODYSTRUCTURE") message::append_structure(out, text, parts, message::StructureForm::bodystructure);
  else if (item == "PREVIEW") append_preview(out, message::preview(text, parts));
  else if (item.starts_with("BINARY")) return binary(text, parts, item);
  else if (!item.starts_with("BODY[")) return std::nullopt;
  if (!out.empty()) return out;
  const std::size_t end = item.find(']');
  const auto section = message::Section::parse(item.substr(5, end - 5));
  REQUIRE(section);
  const message::WireText found = message::find_section(text, parts, *section);
  if (end + 1 == item.size()) return read_all(found);
  const std::string_view partial = item.substr(end + 2, item.size() - end - 3);
  const std::size_t dot = partial.find('.');
  return read_all(found, *ascii::parse_number(partial.substr(0, dot)), *ascii::parse_number(partial.substr(dot + 1)));
}

// Where we do otherwise on purpose. Where a header has CR CR LF, or ends within a line that is no field, Dovecot's HEADER.FIELDS is
// not what HEADER is. BINARY fails for all parts when one has an unknown encoding, or hangs up. Of HTML we leave out comments and
// scripts as HTML has them, and an ampersand that begins nothing stays; text that is not in its set is not cut off.
bool is_known_difference(std::string_view message, std::string_view item) {
  struct Difference {
    std::string_view message, item;  // its beginning
  };
  static constexpr std::array all{
      Difference{"subject-crcr", "BODY[HEADER.FIELDS (SUBJECT to)]"}, Difference{"multi-rfc822-b64", "BODY[1.HEADER.FIELDS"},
      Difference{"multi-rfc822-b64", "BODY[0.HEADER.FIELDS"}, Difference{"multi-rfc822-b64", "BINARY.SIZE"},
      Difference{"multi-encodings", "BINARY"}, Difference{"field-12", "BINARY"}, Difference{"field-13", "BINARY"},
      Difference{"eight-bit", "PREVIEW"}, Difference{"search-unknown", "PREVIEW"}, Difference{"multi-digest", "PREVIEW"},
      Difference{"preview-html-attr", "PREVIEW"}, Difference{"preview-html-entity", "PREVIEW"}, Difference{"preview-html-odd", "PREVIEW"},
      Difference{"preview-html-style-space", "PREVIEW"}};
  return std::ranges::any_of(all, [&](const Difference& one) { return message == one.message && item.starts_with(one.item); });
}

}  // namespace

TEST_CASE("what is said of the recorded messages is what Dovecot says") {
  const Answers answers = read_answers();
  std::set<std::string> items;
  for (const auto& [key, answer] : answers) items.insert(key.second);
  for (const auto& [name, text] : read_messages()) {
    const message::Parts parts = message::Parts::parse(text);
    for (const std::string& item : items) {
      if (text.size() > long_message && item.contains('[')) continue;
      const auto said = ours(text, parts, item);
      const auto found = answers.find({name, item});
      const std::string expected = found == answers.end() ? std::string() : found->second;
      if (!said || *said == expected || is_known_difference(name, item)) continue;
      INFO(name << " " << item);
      CHECK(*said == expected);
    }
  }
}

TEST_CASE("what is found in the recorded messages is what Dovecot finds") {
  for (const auto& [key, answer] : read_answers()) {
    if (key.first != "SEARCH") continue;
    const std::size_t equals = key.second.find('=');
    const std::string where = key.second.substr(0, equals);
    const message::Needle needle(key.second.substr(equals + 1));
    std::string found;
    for (const auto& [name, text] : read_messages()) {
      if (name == "multi-type-twice") continue;  // Dovecot looks for the boundary of a field that does not count
      const message::Parts parts = message::Parts::parse(text);
      if (where == "TEXT" ? is_in_text(needle, text, parts)
          : where == "BODY" ? is_in_body(needle, text, parts)
                            : is_in_header(needle, parts.root().header.of(text), std::string_view(where).substr(7)))
        found += name + '\n';
    }
    std::string expected = answer;
    if (const std::size_t at = expected.find("multi-type-twice\n"); at != std::string::npos) expected.erase(at, 17);
    INFO(key.second);
    CHECK(found == expected);
  }
}
