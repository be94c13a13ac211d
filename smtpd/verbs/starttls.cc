// STARTTLS (RFC 3207): not offered yet, and answered as where it is switched off.

#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {

std::optional<Reply> starttls(Session&, const Command& command) {
  if (!command.rest.empty()) return Reply(501, "5.5.4 Syntax: STARTTLS");
  return Reply(502, "5.5.1 Error: command not implemented");
}

}  // namespace smtpd
