// Messages as IMAP shows them: what is in a mailbox came from anybody.

#include <algorithm>
#include <string>
#include <vector>

#include "lib/base/ascii.h"
#include "lib/base/check.h"
#include "lib/message/charset.h"
#include "lib/message/content.h"
#include "lib/message/encoded_words.h"
#include "lib/message/imap_structure.h"
#include "lib/message/parts.h"
#include "lib/message/preview.h"
#include "lib/message/search.h"
#include "lib/message/section.h"
#include "lib/message/thread.h"
#include "test/fuzz/target.h"

namespace fuzz {
namespace {

bool is_utf8(std::string_view text) {
  std::string out;
  return message::append_valid_utf8(out, text) && out == text;
}

// Parentheses, quoted strings, literals and words, as a client reads them.
bool is_well_formed(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '(') ++depth;
    if (c == ')' && depth-- == 0) return false;
    if (c == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\') ++at;
        if (at < text.size() && (text[at] == '\r' || text[at] == '\n' || text[at] == '\0')) return false;
      }
      if (at >= text.size()) return false;
    }
    if (c == '{') {
      const std::size_t end = text.find("}\r\n", at);
      const auto size = end == std::string_view::npos ? std::nullopt : ascii::parse_number(text.substr(at + 1, end - at - 1));
      if (!size || *size > text.size() - end - 3) return false;
      at = end + 2 + *size;
    }
  }
  return depth == 0;
}

bool is_within(const message::Extent& inner, const message::Extent& outer) {
  return inner.offset >= outer.offset && inner.offset + inner.size <= outer.offset + outer.size &&
         inner.wire_offset >= outer.wire_offset && inner.wire_offset + inner.wire_size <= outer.wire_offset + outer.wire_size;
}

void check_parts(std::string_view text, const message::Parts& parts) {
  CHECK(parts.size() <= message::PartLimits{}.parts + 1);
  CHECK(parts.root().whole().size == text.size());
  CHECK(parts.root().whole().wire_size == message::wire_size(text));
  for (std::size_t place = 0; place < parts.size(); ++place) {
    const message::Part& part = parts[place];
    CHECK(part.end > place && part.end <= parts.size());
    CHECK(part.depth < message::PartLimits{}.depth);
    CHECK(part.body.wire_size == message::wire_size(part.body.of(text)));
    CHECK(part.header.wire_size == message::wire_size(part.header.of(text)));
    CHECK(part.header.offset + part.header.size <= part.body.offset);
    if (place == 0) continue;
    CHECK(part.parent < place && part.end <= parts[part.parent].end && parts[part.parent].kind != message::Kind::leaf);
    CHECK(is_within(part.whole(), parts[part.parent].body));
  }
}

// A client that takes a section in pieces gets what another gets that takes it whole.
void check_pieces(std::string_view text, const message::Parts& parts, const message::Section& section, std::size_t step) {
  const message::WireText found = message::find_section(text, parts, section);
  std::string whole, pieces;
  message::WireReader(found, 0, SIZE_MAX).read(whole, SIZE_MAX);
  CHECK(whole.size() == found.size());
  message::WireMark mark;
  for (std::size_t at = 0; at < found.size(); at += step) {
    message::WireReader reader(found, at, step, mark);
    reader.read(pieces, step);
    mark = reader.mark();
  }
  CHECK(pieces == whole);
}

}  // namespace

void structure(std::string_view data) {
  const auto parts = message::Parts::parse(data);
  check_parts(data, parts);
  std::string out;
  message::append_structure(out, data, parts, message::StructureForm::bodystructure);
  out += ' ';
  message::append_structure(out, data, parts, message::StructureForm::body);
  out += ' ';
  message::append_envelope(out, message::Envelope::parse(parts.root().header.of(data)));
  CHECK(is_well_formed(out));
  for (const std::string_view name : {"", "1", "2.1", "1.MIME", "HEADER.FIELDS (To)", "1.HEADER.FIELDS.NOT (\"to\" From)"})
    check_pieces(data, parts, *message::Section::parse(name), 7);
  const std::string preview = message::preview(data, parts);
  CHECK(is_utf8(preview));
  for (const std::vector<std::uint32_t>& path : {std::vector<std::uint32_t>{}, {1}, {2, 1}}) static_cast<void>(message::decode_binary(data, parts, path));
  for (const message::Part& part : parts) {
    message::decode_text(data, part, [](std::string_view piece) {
      CHECK(is_utf8(piece));
      return true;
    });
  }
}

// The first line is what is looked for, and is a section too.
void search(std::string_view data) {
  const std::size_t end = std::min(data.find('\n'), data.size());
  const std::string_view line = data.substr(0, end);
  const std::string_view text = data.substr(std::min(end + 1, data.size()));
  static_cast<void>(message::Section::parse(line));
  CHECK(is_utf8(message::decode_words(line)));
  const message::Needle needle(line);
  const auto parts = message::Parts::parse(text);
  const bool is_in_body = message::is_in_body(needle, text, parts);
  CHECK(!is_in_body || message::is_in_text(needle, text, parts));
  static_cast<void>(message::is_in_header(needle, parts.root().header.of(text), "Subject"));
  std::string valid;
  message::append_valid_utf8(valid, line);
  CHECK(needle.is_in(valid));
}

// Headers with empty lines between: messages of a mailbox.
void threads(std::string_view data) {
  std::vector<message::ThreadMessage> messages;
  while (!data.empty()) {
    const std::size_t end = data.find("\n\n");
    messages.push_back(message::thread_message(static_cast<std::uint32_t>(messages.size() + 1), data.substr(0, end), {}));
    data.remove_prefix(end == std::string_view::npos ? data.size() : end + 2);
  }
  for (const auto algorithm : {message::ThreadAlgorithm::orderedsubject, message::ThreadAlgorithm::references, message::ThreadAlgorithm::refs}) {
    std::string out;
    message::append_threads(out, message::make_threads(messages, algorithm));
    CHECK(is_well_formed(out));
    // Each message once.
    std::vector<std::uint64_t> numbers;
    for (const std::string_view number : ascii::split(out, "() ")) numbers.push_back(*ascii::parse_number(number));
    std::ranges::sort(numbers);
    CHECK(numbers.size() == messages.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) CHECK(numbers[i] == i + 1);
  }
}

}  // namespace fuzz
