// RSET (RFC 5321 section 4.1.1.5).

#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {

std::optional<Reply> rset(Session& s, const Command& command) {
  if (!command.rest.empty()) return Reply(501, "5.5.4 Syntax: RSET");
  s.reset();
  return Reply(250, "2.0.0 Ok");
}

}  // namespace smtpd
