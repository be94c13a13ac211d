#pragma once
// Names of mailboxes on the wire: modified UTF-7 (RFC 3501 section 5.1.3), or UTF-8 after ENABLE IMAP4rev2 or UTF8=ACCEPT
// (RFC 6855). Within the suite a name is UTF-8, and INBOX is "INBOX".

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imap {

enum class NameCoding : std::uint8_t { utf7, utf8 };

// Of a name as it is written by a client.
inline constexpr std::size_t mailbox_name_size_max = 4096;

// The name as the suite has it: INBOX in any case is "INBOX". None for what is no name: malformed, empty, with control
// characters, or too long. Whether a name is allowed in a mailbox tree (separators, "..") is not decided here.
[[nodiscard]] std::optional<std::string> decode_mailbox_name(std::string_view text, NameCoding coding);
// For a response; still to be written as an astring.
[[nodiscard]] std::string encode_mailbox_name(std::string_view name, NameCoding coding);

}  // namespace imap
