// NOOP (RFC 5321 section 4.1.1.9).

#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {

std::optional<Reply> noop(Session&, const Command&) { return Reply(250, "2.0.0 Ok"); }

}  // namespace smtpd
