#pragma once
// Content-Type and its like (RFC 2045 section 5.1, RFC 2183), with RFC 2231's continuations and character sets. What is taken and
// what is not was recorded from Dovecot.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace message {

constexpr std::size_t parameter_limit = 128;  // of one field; the others are not looked at

// Names and values as they stand, each name once. Those that RFC 2231 cuts in pieces come last, put together; pieces with one of
// them missing stay pieces ("name*0"). What has a character set is UTF-8.
struct Parameters {
  std::vector<std::pair<std::string, std::string>> all;

  // The value of that name (any case); null for none.
  [[nodiscard]] const std::string* find(std::string_view name) const;
};

// Both empty when it is no type.
struct ContentType {
  std::string type, subtype;  // as they stand
  Parameters parameters;

  [[nodiscard]] bool is(std::string_view other_type) const;
  [[nodiscard]] bool is(std::string_view other_type, std::string_view other_subtype) const;
};
[[nodiscard]] ContentType parse_content_type(std::string_view value);

struct Disposition {
  std::string value;  // "attachment", as it stands
  Parameters parameters;
};
[[nodiscard]] Disposition parse_disposition(std::string_view value);

// Content-Transfer-Encoding as it stands; none when it is anything but one word.
[[nodiscard]] std::optional<std::string> parse_encoding(std::string_view value);
// Content-Language: words with commas between, up to what is none.
[[nodiscard]] std::vector<std::string> parse_languages(std::string_view value);

}  // namespace message
