#pragma once
// Text as a string of JSON (RFC 8259 section 7).

#include <string>
#include <string_view>

namespace base {

// With its quotes. Bytes from 0x80 up stay as they are.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace base
