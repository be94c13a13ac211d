#pragma once
// What an SMTP or LMTP server says, as a client reads it (RFC 5321 section 4.2, RFC 2034).

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/io/stream.h"
#include "lib/mail/dsn.h"

namespace smtp {

inline constexpr std::size_t reply_line_limit = 2048;       // longer lines are cut
inline constexpr std::size_t reply_text_limit = 4096;       // of a whole reply; what is beyond is dropped
inline constexpr std::size_t reply_total_limit = 64 * 1024; // read for one reply; a server that sends more is left

struct ServerReply {
  int code = 0;
  mail::Dsn dsn;                    // of the last line; "X.0.0" when it has none, or one of another class
  std::string text;                 // all lines, with a blank between: "250-a 250 b"
  std::vector<std::string> lines;   // without code and separator

  [[nodiscard]] bool is_positive() const { return code / 100 == 2; }
  [[nodiscard]] bool is_intermediate() const { return code / 100 == 3; }
  [[nodiscard]] bool is_temporary() const { return code / 100 == 4; }
  [[nodiscard]] bool is_permanent() const { return code / 100 == 5; }
};

// One line of a reply: three digits, and '-' where more follows.
struct ReplyLine {
  int code;
  bool has_more;
  std::string_view text;
};
// None for a line that is no part of a reply.
[[nodiscard]] std::optional<ReplyLine> parse_reply_line(std::string_view line);

// The enhanced code that goes with a reply: the one at the start of `text` when its class is the code's, else X.0.0. A
// code that says neither success nor failure where one of the two is due counts as a protocol error, 5.5.0.
[[nodiscard]] mail::Dsn dsn_of(int code, std::string_view text);

// What else is to be known of a reply while it is read.
struct ReplyEvents {
  std::function<void(std::string_view line)> not_smtp;      // a line that is no reply; it is skipped
  std::function<void(std::string_view start)> line_too_long;
  std::function<void(std::string_view start)> reply_too_long;
  // What takes the place of a line, before anybody looks at it (smtp_reply_filter); and each line as it then is. May be empty.
  std::function<std::optional<std::string>(std::string_view line)> replace = {};
  std::function<void(std::string_view line)> heard = {};
};

// Reads one reply. The end is io::End::ok, or why there is none; too_long for one without end.
struct ReadReply {
  io::End end;
  ServerReply reply;
};
[[nodiscard]] ReadReply read_reply(io::Stream& stream, Deadline deadline, const ReplyEvents& events);

}  // namespace smtp
