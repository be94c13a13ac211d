// What is no command: a mistake, a site's own (smtpd_noop_commands), or a client that speaks another protocol.

#include "lib/log/log.h"
#include "lib/mail/header.h"
#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {
namespace {

constexpr std::size_t shown_of_line = 100;

// A header line where commands belong is a web browser or a proxy that was made to talk to us.
bool is_foreign(Session& s, const Command& command) {
  if (mail::split_header(command.line)) return true;
  const auto is_forbidden = s.snapshot().forbidden_commands.matches(command.verb);
  if (!is_forbidden) maillog::warning("{}", is_forbidden.error().message());
  return is_forbidden.value_or(false);
}

}  // namespace

std::optional<Reply> unknown(Session& s, const Command& command) {
  if (s.snapshot().noop_commands.matches(command.verb).value_or(false)) return Reply(250, "2.0.0 Ok");
  if (is_foreign(s, command)) {
    maillog::warning("non-SMTP command from {}: {}", s.client().name_and_address, command.line.substr(0, shown_of_line));
    return Reply(221, "2.7.0 Error: I can break rules, too. Goodbye.", Reply::Then::close);
  }
  if (auto refusal = s.milters().unknown(command.line)) return refusal;
  return Reply(500, "5.5.2 Error: command not recognized");
}

}  // namespace smtpd
