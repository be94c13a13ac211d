// XCLIENT and XFORWARD: who speaks for another client. Nobody is authorised yet.

#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {

std::optional<Reply> xclient(Session&, const Command&) { return Reply(550, "5.7.0 Error: insufficient authorization"); }

std::optional<Reply> xforward(Session&, const Command&) { return Reply(550, "5.7.0 Error: insufficient authorization"); }

}  // namespace smtpd
