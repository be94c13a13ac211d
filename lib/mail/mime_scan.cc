#include "lib/mail/mime_scan.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/ascii.h"
#include "lib/mail/header.h"

namespace mail {
namespace {

// By MimeScan::Encoding.
constexpr std::array<std::string_view, 5> encodings{"7bit", "8bit", "binary", "quoted-printable", "base64"};

constexpr std::size_t part_field_limit = 10240;  // bytes of one field of a part's header that are looked at

// The next word of a structured field: a token or a quoted string (its content). Comments and space before it go.
std::string next_word(std::string_view& text) {
  std::size_t depth = 0;
  while (!text.empty() && (depth > 0 || ascii::is_space(text.front()) || text.front() == '(')) {
    if (text.front() == '(') ++depth;
    if (text.front() == ')') --depth;
    text.remove_prefix(1);
  }
  std::string word;
  if (text.starts_with('"')) {
    for (text.remove_prefix(1); !text.empty() && text.front() != '"'; text.remove_prefix(1)) {
      if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
      word += text.front();
    }
    if (!text.empty()) text.remove_prefix(1);
    return word;
  }
  constexpr std::string_view separators = "/;=()\"";
  while (!text.empty() && !ascii::is_space(text.front()) && (word.empty() || !separators.contains(text.front()))) {
    word += text.front();
    text.remove_prefix(1);
    if (separators.contains(word.front())) break;
  }
  return word;
}

}  // namespace

void MimeScan::field(std::string_view text) {
  if (complain_ && !ascii::is_ascii(text)) complain_(MimeFault::eight_bit_header, text);
  take_field(text);
}

void MimeScan::take_field(std::string_view text) {
  const auto parsed = split_header(text);
  if (!parsed) return;
  if (ascii::equal_ignoring_case(parsed->name, "Content-Transfer-Encoding")) take_encoding(parsed->value);
  if (ascii::equal_ignoring_case(parsed->name, "Content-Type")) take_type(parsed->value);
}

// An encoding that nobody knows changes nothing.
void MimeScan::take_encoding(std::string_view value) {
  has_encoding_ = true;
  const std::string word = next_word(value);
  const auto* const known = std::ranges::find_if(encodings, [&](const auto& each) { return ascii::equal_ignoring_case(word, each); });
  if (known == encodings.end()) return;
  encoding_ = static_cast<Encoding>(known - encodings.begin());
  if (encoding_ == Encoding::eight_bit || encoding_ == Encoding::binary) is_8bit_ = true;
}

void MimeScan::take_type(std::string_view value) {
  const std::string type = next_word(value);
  if (ascii::equal_ignoring_case(type, "message")) {
    next_word(value);
    if (ascii::equal_ignoring_case(next_word(value), "rfc822")) type_ = Type::message;
  } else if (ascii::equal_ignoring_case(type, "multipart")) {
    while (!value.empty()) {
      if (!ascii::equal_ignoring_case(next_word(value), "boundary")) continue;
      if (next_word(value) != "=") continue;
      type_ = Type::multipart;
      boundary_ = next_word(value).substr(0, limits_.boundary_length);
      break;
    }
  }
}

void MimeScan::end_of_header() { start_part(); }

// A header has ended: what follows is the content of its part.
void MimeScan::start_part() {
  const bool is_encoded = encoding_ == Encoding::quoted_printable || encoding_ == Encoding::base64;
  if (complain_ && is_encoded && type_ != Type::text) {
    complain_(MimeFault::encoded_container, encodings[static_cast<std::size_t>(encoding_)]);
  }
  // What stands between the parts of a multipart has no encoding, whatever the multipart says.
  body_encoding_ = type_ == Type::text ? encoding_ : Encoding::seven_bit;
  encoding_ = Encoding::seven_bit;
  in_header_ = false;
  if (type_ == Type::multipart && boundaries_.size() < limits_.nesting) boundaries_.push_back(boundary_);
  if (type_ == Type::message) in_header_ = is_attached_ = true;
  type_ = Type::text;
  boundary_.clear();
}

MimeScan::Line MimeScan::body(std::string_view data, bool is_start) {
  if (boundaries_.empty() && !in_header_) {
    look_for_8bit(data);
    return Line::text;
  }
  if (is_start) {
    line_ = line(data);
  } else if (line_ == Line::field || line_ == Line::folded) {
    append_to_field(data);
  }
  if (line_ == Line::text) look_for_8bit(data);
  return line_;
}

void MimeScan::look_for_8bit(std::string_view text) {
  if (complain_ && body_encoding_ == Encoding::seven_bit && !ascii::is_ascii(text)) complain_(MimeFault::eight_bit_body, text);
}

void MimeScan::append_to_field(std::string_view data) {
  if (!ascii::is_ascii(data)) field_is_8bit_ = true;
  if (field_.size() < part_field_limit) field_ += data;
}

MimeScan::Line MimeScan::line(std::string_view data) {
  if (data.starts_with("--")) {
    const std::string_view text = data.substr(2);
    const auto found = std::ranges::find_if(boundaries_.rbegin(), boundaries_.rend(),
                                            [&](const std::string& boundary) { return text.starts_with(boundary); });
    if (found != boundaries_.rend()) {
      flush_field();
      const std::string_view rest = text.substr(found->size());
      boundaries_.erase(found.base(), boundaries_.end());
      type_ = Type::text;
      encoding_ = body_encoding_ = Encoding::seven_bit;
      in_header_ = !rest.starts_with("--");
      is_attached_ = false;
      if (!in_header_) boundaries_.pop_back();
      return Line::text;
    }
  }
  return in_header_ ? header_line(data) : Line::text;
}

MimeScan::Line MimeScan::header_line(std::string_view line) {
  if (!field_.empty() && is_folded(line)) {
    append_to_field("\n");
    append_to_field(line);
    return Line::folded;
  }
  flush_field();
  if (split_header(line)) {
    append_to_field(line);
    return Line::field;
  }
  start_part();
  return line.empty() ? Line::end_of_header : Line::text;
}

void MimeScan::flush_field() {
  if (complain_ && field_is_8bit_) complain_(MimeFault::eight_bit_header, field_);
  if (!field_.empty()) take_field(field_);
  field_.clear();
  field_is_8bit_ = false;
}

}  // namespace mail
