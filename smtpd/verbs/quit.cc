// QUIT (RFC 5321 section 4.1.1.10).

#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {

std::optional<Reply> quit(Session&, const Command&) { return Reply(221, "2.0.0 Bye", Reply::Then::close); }

}  // namespace smtpd
