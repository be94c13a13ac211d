#include "lib/mail/downgrade.h"

#include <algorithm>
#include <optional>

#include "lib/base/ascii.h"
#include "lib/mail/header.h"

namespace mail {
namespace {

constexpr std::size_t encoded_line_limit = 76;  // RFC 2045 section 6.7 rule 5, with the soft break's "="

// What a part's header says of its body.
struct PartLabel {
  std::string type;       // "text/plain", in lower case; empty when not told
  std::string boundary;
  std::string encoding;   // in lower case
};

// The value of a parameter: ; boundary="x y" (RFC 2045 section 5.1).
std::string parameter_of(std::string_view value, std::string_view name) {
  for (std::size_t at = value.find(';'); at != std::string_view::npos; at = value.find(';', at)) {
    ++at;
    const std::string_view rest = ascii::trim(value.substr(at));
    if (!ascii::starts_with_ignoring_case(rest, name)) continue;
    std::string_view text = ascii::trim(rest.substr(name.size()));
    if (!text.starts_with('=')) continue;
    text = ascii::trim(text.substr(1));
    std::string result;
    if (!text.starts_with('"')) return std::string(text.substr(0, text.find_first_of("; \t\r\n(")));
    for (std::size_t i = 1; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      result += text[i];
    }
    return result;
  }
  return {};
}

PartLabel label_of(const std::vector<std::string>& fields) {
  PartLabel label;
  for (const std::string& field : fields) {
    const auto parsed = mail::split_header(field);
    if (!parsed) continue;
    const std::string value = mail::unfolded(parsed->value);
    if (ascii::equal_ignoring_case(parsed->name, "Content-Type")) {
      label.type = ascii::lowercase(ascii::trim(value.substr(0, value.find_first_of(";("))));
      label.boundary = parameter_of(value, "boundary");
    } else if (ascii::equal_ignoring_case(parsed->name, "Content-Transfer-Encoding")) {
      label.encoding = ascii::lowercase(ascii::trim(value.substr(0, value.find_first_of(";("))));
    }
  }
  return label;
}

std::string hex_of(char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  return {'=', digits[byte >> 4], digits[byte & 15]};
}

}  // namespace

void Downgrade::write(std::string_view piece, bool ends_line, std::vector<Line>& out) {
  if (state_ != State::header) {
    // A boundary line is short, so it comes in one piece.
    const bool may_be_boundary = at_line_start_ && ends_line && !boundaries_.empty();
    at_line_start_ = ends_line;
    if (may_be_boundary && at_boundary(piece, out)) return;
    body_line(piece, ends_line, out);
    return;
  }
  joined_ += piece;
  if (!ends_line && joined_.size() <= part_header_limit) return;
  const std::string line = std::move(joined_);
  joined_.clear();
  at_line_start_ = ends_line;
  header_line(line, out);
}

void Downgrade::header_line(std::string_view line, std::vector<Line>& out) {
  if (!boundaries_.empty() && at_boundary(line, out)) return;
  header_size_ += line.size();
  if (!fields_.empty() && mail::is_folded(line)) {
    fields_.back() += '\n';
    fields_.back() += line;
    return;
  }
  if (line.empty() || header_size_ > part_header_limit || !mail::split_header(line)) {
    header_over(out);
    // A line that is no header belongs to the body, where a blank line before it is missing.
    if (line.empty()) {
      out.push_back({"", true});
    } else {
      body_line(line, at_line_start_, out);
    }
    return;
  }
  fields_.emplace_back(line);
}

void Downgrade::header_over(std::vector<Line>& out) {
  const PartLabel label = label_of(fields_);
  const bool is_labelled = label.encoding == "8bit" || label.encoding == "binary";
  const bool is_multipart = label.type.starts_with("multipart/") && !label.boundary.empty();
  const bool is_message = label.type == "message/rfc822" || label.type == "message/global";
  const bool is_container = label.type.starts_with("multipart/") || label.type.starts_with("message/");
  for (const std::string& field : fields_) {
    const auto parsed = mail::split_header(field);
    if (is_labelled && parsed && ascii::equal_ignoring_case(parsed->name, "Content-Transfer-Encoding")) {
      out.push_back({"Content-Transfer-Encoding: " + std::string(is_container ? "7bit" : "quoted-printable"), true});
      continue;
    }
    for (std::size_t at = 0; at <= field.size();) {
      const std::size_t end = std::min(field.find('\n', at), field.size());
      out.push_back({field.substr(at, end - at), true});
      at = end + 1;
    }
  }
  fields_.clear();
  header_size_ = 0;
  state_ = State::plain_body;
  if (is_multipart && boundaries_.size() < mime_depth_limit) {
    boundaries_.push_back(label.boundary);
  } else if (is_message && (label.encoding.empty() || is_labelled || label.encoding == "7bit")) {
    state_ = State::header;
  } else if (is_labelled && !is_container) {
    state_ = State::encoded_body;
  }
}

// RFC 2046 section 5.1.1. A boundary of an outer container ends the inner ones too.
bool Downgrade::at_boundary(std::string_view line, std::vector<Line>& out) {
  if (!line.starts_with("--")) return false;
  for (std::size_t depth = boundaries_.size(); depth-- > 0;) {
    const std::string& boundary = boundaries_[depth];
    if (line.substr(2, boundary.size()) != boundary) continue;
    const std::string_view rest = line.substr(2 + boundary.size());
    const bool is_last = rest.starts_with("--");
    if (!is_last && !ascii::trim(rest).empty()) continue;
    if (state_ == State::header) header_over(out);
    finish(out);
    boundaries_.resize(is_last ? depth : depth + 1);
    state_ = is_last ? State::plain_body : State::header;
    out.push_back({std::string(line), true});
    return true;
  }
  return false;
}

void Downgrade::body_line(std::string_view piece, bool ends_line, std::vector<Line>& out) {
  if (state_ == State::encoded_body) {
    encode(piece, ends_line, out);
  } else {
    out.push_back({std::string(piece), ends_line});
  }
}

void Downgrade::encode(std::string_view piece, bool ends_line, std::vector<Line>& out) {
  const auto add = [&](std::string_view token) {
    if (encoded_.size() + token.size() > encoded_line_limit - 1) {
      out.push_back({encoded_ + "=", true});
      encoded_.clear();
    }
    encoded_ += token;
  };
  for (const char c : piece) {
    if (c == ' ' || c == '\t') {
      held_blanks_ += c;
      continue;
    }
    for (const char blank : held_blanks_) add({&blank, 1});
    held_blanks_.clear();
    if (ascii::is_printable(c) && c != '=') {
      add({&c, 1});
    } else {
      add(hex_of(c));
    }
  }
  if (!ends_line) return;
  // Only the last blank would be lost on the way.
  for (std::size_t i = 0; i < held_blanks_.size(); ++i) {
    add(i + 1 < held_blanks_.size() ? held_blanks_.substr(i, 1) : hex_of(held_blanks_[i]));
  }
  held_blanks_.clear();
  out.push_back({std::move(encoded_), true});
  encoded_.clear();
}

void Downgrade::finish(std::vector<Line>& out) {
  if (!joined_.empty()) {
    const std::string line = std::move(joined_);
    joined_.clear();
    header_line(line, out);
  }
  if (state_ == State::header && !fields_.empty()) header_over(out);
  if (!encoded_.empty() || !held_blanks_.empty()) encode({}, true, out);
}

}  // namespace mail
