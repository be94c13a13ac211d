#pragma once
// The notation of characters in C's strings, as values of parameters and command lines have it.

#include <string>
#include <string_view>

namespace base {

// "\t", "\\", up to three octal digits ("\40"). Another character behind a backslash is itself; so is a backslash at the end.
[[nodiscard]] std::string unescape_c(std::string_view text);

}  // namespace base
