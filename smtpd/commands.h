#pragma once
// The commands of SMTP as a table: who handles a verb, in which phase of a session, and what else is true of it. The
// dispatcher checks the phase; a handler knows only its verb.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "smtpd/command.h"
#include "smtpd/reply.h"

namespace smtpd {

class Session;

// Where a session is (RFC 5321 section 4.1.4, RFC 3030 section 2).
enum class Phase : std::uint8_t {
  idle,               // no transaction
  mail,               // MAIL was accepted
  rcpt,               // at least one recipient was accepted
  chunks,             // BDAT has begun
  chunks_failed,      // a BDAT of this transaction was refused; what remains of it is read and dropped
  chunks_failed_idle, // the same without a transaction
};
inline constexpr std::size_t phase_count = 6;

// None: the client went away in the middle; the session knows how.
using Handler = std::optional<Reply> (*)(Session&, const Command&);

enum Flags : unsigned {
  none = 0,
  ends_pipeline = 1,   // RFC 2920 section 3.1: the client must wait for the reply
  is_junk = 2,         // counts against smtpd_junk_command_limit
  needs_helo = 4,      // where smtpd_helo_required
  needs_tls = 16,      // where the service demands it
  serves_denied = 8,   // also for a client that was greeted with a refusal
  never_succeeds = 32, // in the disconnect line: what it has done belongs to another client
};

// What is answered in each phase instead of handling the command; null: it is handled.
using Refusals = std::array<const char*, phase_count>;

struct CommandRow {
  std::string_view verb;
  std::string_view label;   // in the disconnect line
  Handler handler;
  unsigned flags;
  Refusals refusals;
};

// In the order of the disconnect line. The last row is for what is no command.
[[nodiscard]] const CommandRow& command_row(std::size_t index);
[[nodiscard]] std::size_t find_command(std::string_view verb);
[[nodiscard]] std::size_t unknown_command();
// "AUTH BDAT DATA ...", as HELP shows.
[[nodiscard]] std::string_view command_names();

}  // namespace smtpd
