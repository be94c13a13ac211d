#include "lib/mail/mime_scan.h"

#include <algorithm>

#include "lib/base/ascii.h"
#include "lib/mail/header.h"

namespace mail {
namespace {

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
  const auto parsed = split_header(text);
  if (!parsed) return;
  std::string_view value = parsed->value;
  if (ascii::equal_ignoring_case(parsed->name, "Content-Transfer-Encoding")) {
    const std::string word = next_word(value);
    has_encoding_ = true;
    if (ascii::equal_ignoring_case(word, "8bit") || ascii::equal_ignoring_case(word, "binary")) is_8bit_ = true;
  } else if (ascii::equal_ignoring_case(parsed->name, "Content-Type")) {
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
}

void MimeScan::end_of_header() { start_part(); }

// A header has ended: what follows is the content of its part.
void MimeScan::start_part() {
  in_header_ = false;
  if (type_ == Type::multipart && boundaries_.size() < limits_.nesting) boundaries_.push_back(boundary_);
  if (type_ == Type::message) in_header_ = is_attached_ = true;
  type_ = Type::text;
  boundary_.clear();
}

MimeScan::Line MimeScan::body(std::string_view data, bool is_start) {
  if (boundaries_.empty() && !in_header_) return Line::text;
  if (is_start) {
    line_ = line(data);
  } else if (line_ == Line::field || line_ == Line::folded) {
    if (field_.size() < part_field_limit) field_ += data;
  }
  return line_;
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
    if (field_.size() < part_field_limit) field_.append("\n").append(line);
    return Line::folded;
  }
  flush_field();
  if (split_header(line)) {
    field_ = line.substr(0, part_field_limit);
    return Line::field;
  }
  start_part();
  return line.empty() ? Line::end_of_header : Line::text;
}

void MimeScan::flush_field() {
  if (!field_.empty()) field(field_);
  field_.clear();
}

}  // namespace mail
