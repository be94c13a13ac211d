#pragma once
// Text of strangers as it is shown in replies and log lines.

#include <string>
#include <string_view>

namespace smtpd {

// For a site that has no SMTPUTF8: bytes that are not ASCII are not shown.
[[nodiscard]] std::string without_utf8(std::string text, char replacement);

// Line breaks and other control characters in C's notation, so that what came can be read in one line.
[[nodiscard]] std::string escaped(std::string_view bytes);

}  // namespace smtpd
