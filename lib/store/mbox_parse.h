#pragma once
// An mbox file as text: where messages begin, and the headers in which Dovecot (and others before it) keep what IMAP needs:
//   X-IMAPbase: <uidvalidity> <last uid, 10 digits> <keywords>   of the first message (X-IMAP: of one that is only for this)
//   X-UID: <uid>
//   Status: RO (read, old), X-Status: AFTD, X-Keywords: <names>, Content-Length: <bytes of the body>
// They are not a part of the message that clients see.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"

namespace store {

struct MboxMessage {
  std::uint64_t begin = 0;      // of the From_ line
  std::uint64_t header = 0;     // behind it
  std::uint64_t body = 0;       // behind the empty line
  std::uint64_t end = 0;        // of the text; an empty line may follow
  std::uint64_t next = 0;       // where the next one begins
  std::uint32_t uid = 0;        // 0: none
  std::uint8_t system = 0;      // flag::...
  bool is_old = false;          // not \Recent
  std::vector<std::string> keywords;
  std::int64_t date = 0;        // of the From_ line, seconds; it has no zone and is taken as UTC, as Dovecot writes it
};

struct MboxText {
  std::uint32_t uid_validity = 0;   // 0: no X-IMAPbase
  std::uint32_t last_uid = 0;
  std::vector<std::string> keywords;
  bool has_pseudo = false;          // the first message is "DON'T DELETE THIS MESSAGE", with X-IMAP: no mail
  std::vector<MboxMessage> messages;

  // From `offset` on, which is 0 or where a message begins; positions are of the whole file. False when the text is no mbox (it
  // does not begin with a From_ line).
  [[nodiscard]] bool parse(std::string_view text, std::uint64_t offset = 0);
};

// The date of a From_ line; none when the line is none.
[[nodiscard]] std::optional<std::int64_t> parse_from_line(std::string_view line);
[[nodiscard]] std::string from_line_of(std::string_view sender, std::int64_t seconds);
// The header lines that clients see.
[[nodiscard]] std::string visible_header(std::string_view header);

// What is to be written of a message into its header.
struct MboxState {
  std::uint32_t uid = 0;
  std::uint8_t system = 0;
  bool is_old = true;
  std::vector<std::string> keywords;
  // Not 0: it is the first message, and has X-IMAPbase.
  std::uint32_t uid_validity = 0, last_uid = 0;
  std::vector<std::string> all_keywords;
};
// The whole header, with the empty line at its end. `body_size`: for Content-Length.
[[nodiscard]] std::string header_with(std::string_view visible, const MboxState& state, std::uint64_t body_size);
// A body that readers who do not know Content-Length would take for several messages gets '>' before those lines.
[[nodiscard]] std::string quoted_body(std::string_view body);

}  // namespace store
