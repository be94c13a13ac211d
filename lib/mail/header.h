#pragma once
// Header fields (RFC 5322 section 2.2): telling a header line from the body, and what is known of a field's name.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mail {

// One field. `name` is without the colon; `value` starts after the colon and keeps the space and the line breaks of
// folded lines ("\n " between them), so that name + ":" + value is the field as it came.
struct HeaderField {
  std::string_view name, value;
};

// Splits a field (one line, or folded lines joined with '\n'). None when it is not a header line: no colon, or a
// character in the name that RFC 5322 does not allow there. Space between the name and the colon is tolerated and
// belongs to neither.
[[nodiscard]] std::optional<HeaderField> split_header(std::string_view field);

// The line continues the field before it.
[[nodiscard]] inline bool is_folded(std::string_view line) { return line.starts_with(' ') || line.starts_with('\t'); }

// The value in one line: line breaks go, the space that follows them stays; without space at either end.
[[nodiscard]] std::string unfolded(std::string_view value);

// Whose addresses a field holds, for rewriting and canonical maps.
enum class HeaderClass { other, sender, recipient };

struct HeaderInfo {
  std::string_view name;        // in its usual spelling
  HeaderClass cls = HeaderClass::other;
  bool resent = false;          // one of the Resent- group (RFC 5322 section 3.6.6)
  bool extracted = false;       // sendmail -t takes its recipients from here
};

// What is known of a field's name (any case); null for a name with no meaning to us.
[[nodiscard]] const HeaderInfo* find_header(std::string_view name);

}  // namespace mail
