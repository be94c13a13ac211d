#pragma once
// Modified UTF-7 (RFC 3501 section 5.1.3): how IMAP before RFC 9051 and Maildirs write the names of mailboxes.

#include <optional>
#include <string>
#include <string_view>

namespace mail {

// Strict: no printable ASCII within base64, no needless shift, no surrogate alone, no NUL, no bits behind the last character,
// nothing but printable ASCII outside, so that two texts never are one name. None for everything else.
[[nodiscard]] std::optional<std::string> decode_modified_utf7(std::string_view text);
// Bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string encode_modified_utf7(std::string_view utf8);

}  // namespace mail
