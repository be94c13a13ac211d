#include "lib/message/fields.h"

#include <algorithm>

#include "lib/base/ascii.h"
#include "lib/mail/header.h"

namespace message {
namespace {

// The first line with its line end.
std::string_view line_of(std::string_view text) {
  const std::size_t end = text.find('\n');
  return end == std::string_view::npos ? text : text.substr(0, end + 1);
}

std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
  }
  return text;
}

}  // namespace

std::optional<Field> Fields::next() {
  if (rest_.empty() || rest_.starts_with('\n') || rest_.starts_with("\r\n")) return std::nullopt;
  const std::string_view first = line_of(rest_);
  std::size_t size = first.size();
  while (mail::is_folded(rest_.substr(size))) size += line_of(rest_.substr(size)).size();
  Field field{.text = rest_.substr(0, size), .name = {}, .value = {}};
  rest_.remove_prefix(size);
  if (const std::size_t colon = first.find(':'); colon != std::string_view::npos && !mail::is_folded(first)) {
    field.name = ascii::trim(first.substr(0, colon));
    field.value = without_line_end(field.text.substr(colon + 1));
  }
  return field;
}

std::string one_line(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] == '\0') {
      out += replacement;
    } else if (value[at] != '\r' && value[at] != '\n') {
      out += value[at];
    } else {
      while (at + 1 < value.size() && (value[at + 1] == '\r' || value[at + 1] == '\n')) ++at;
      if (at + 1 < value.size() && !mail::is_folded(value.substr(at + 1))) out += ' ';
    }
  }
  return out;
}

std::optional<std::string_view> find_field(std::string_view header, std::string_view name) {
  Fields fields(header);
  while (const auto field = fields.next())
    if (ascii::equal_ignoring_case(field->name, name)) return field->value;
  return std::nullopt;
}

}  // namespace message
