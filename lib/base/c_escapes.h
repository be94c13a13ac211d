#pragma once
// The notation of characters in C's strings, as values of parameters and command lines have it.

#include <string>
#include <string_view>

namespace base {

// "\t", "\\", up to three octal digits ("\40"). Another character behind a backslash is itself; so is a backslash at the end.
[[nodiscard]] std::string unescape_c(std::string_view text);

// Backslashes, line breaks, other control characters and bytes from 0x80 up in that notation ("\r\n", "\026"), so that what came
// can be read in one line.
[[nodiscard]] std::string escape_c(std::string_view bytes);

}  // namespace base
