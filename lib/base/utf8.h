#pragma once
// UTF-8 (RFC 3629), character by character.

#include <optional>
#include <string>
#include <string_view>

namespace base {

// The character at the front of `text`, which is not empty, and is taken off. None, and one byte off, where it is malformed: overlong, a
// surrogate, beyond U+10FFFF, or cut.
[[nodiscard]] std::optional<char32_t> take_character(std::string_view& text);
// Appends a character that there is.
void append_character(std::string& out, char32_t c);
// Well-formed; NUL is a character.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace base
