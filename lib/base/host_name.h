#pragma once
// The syntax of host names: RFC 1123 with Postfix's liberties ("_" is taken, no dot is needed).

#include <string_view>

namespace base {

// At most 255 bytes; labels of 1 to 63 letters, digits, "-" and "_", without "-" at either end; not all digits and dots.
[[nodiscard]] bool is_host_name(std::string_view name);

}  // namespace base
