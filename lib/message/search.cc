#include "lib/message/search.h"

#include <algorithm>
#include <cstring>

#include "lib/base/ascii.h"
#include "lib/mail/header.h"
#include "lib/message/charset.h"
#include "lib/message/content.h"
#include "lib/message/encoded_words.h"
#include "lib/message/fields.h"

namespace message {
namespace {

std::string valid_utf8(std::string_view text) {
  std::string out;
  append_valid_utf8(out, text);
  return out;
}

// Looks through text that comes in pieces; what is cut between two of them is found.
class Haystack {
 public:
  explicit Haystack(const Needle& needle) : needle_(needle) {}

  // True when it has been found.
  bool take(std::string_view piece) {
    folded_ += casemap(piece);
    if (needle_.is_in_folded(folded_)) return true;
    const std::size_t tail = needle_.folded().size() - 1;
    if (folded_.size() > tail) folded_.erase(0, folded_.size() - tail);
    return false;
  }

 private:
  const Needle& needle_;
  std::string folded_;
};

bool is_in_content(const Needle& needle, std::string_view message, const Part& part) {
  bool is_found = false;
  Haystack haystack(needle);
  decode_text(message, part, [&](std::string_view piece) { return !(is_found = haystack.take(piece)); });
  return is_found;
}

bool is_in_fields(const Needle& needle, std::string_view header) {
  // What has nothing to be decoded, and where no line end may be in the way, is looked through as it is.
  if (!needle.has_space() && ascii::is_ascii(header) && !header.contains("=?")) return needle.is_in(header);
  Fields fields(header);
  while (const auto field = fields.next())
    if (needle.is_in(field_text(field->text))) return true;
  return false;
}

bool is_searched(const Part& part) { return part.kind == Kind::leaf && (part.is_text() || part.type == "message"); }

}  // namespace

Needle::Needle(std::string_view text)
    : folded_(casemap(valid_utf8(text))), has_space_(text.find_first_of(" \t\r\n:") != std::string_view::npos) {}

bool Needle::is_in(std::string_view text) const { return is_in_folded(casemap(text)); }

bool Needle::is_in_folded(std::string_view text) const {
  return ::memmem(text.data(), text.size(), folded_.data(), folded_.size()) != nullptr || folded_.empty();
}

bool is_in_body(const Needle& needle, std::string_view message, const Parts& parts) {
  if (needle.folded().empty()) return true;
  return std::ranges::any_of(parts, [&](const Part& part) { return is_searched(part) && is_in_content(needle, message, part); });
}

bool is_in_text(const Needle& needle, std::string_view message, const Parts& parts) {
  if (needle.folded().empty()) return true;
  return std::ranges::any_of(parts, [&](const Part& part) { return is_in_fields(needle, part.header.of(message)); }) ||
         is_in_body(needle, message, parts);
}

bool is_in_header(const Needle& needle, std::string_view header, std::string_view name) {
  Fields fields(header);
  while (const auto field = fields.next())
    if (ascii::equal_ignoring_case(field->name, name) && needle.is_in(field_text(field->value))) return true;
  return false;
}

std::string field_text(std::string_view value) {
  std::string line;
  line.reserve(value.size());
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] != '\r' && value[at] != '\n') {
      line += value[at];
      continue;
    }
    // A line end and the first space behind it are one blank.
    while (at + 1 < value.size() && (value[at + 1] == '\r' || value[at + 1] == '\n')) ++at;
    if (at + 1 == value.size()) break;
    if (mail::is_folded(value.substr(at + 1))) ++at;
    line += ' ';
  }
  return decode_words(line);
}

}  // namespace message
