// AUTH (RFC 4954): not offered yet, and answered as where it is switched off.

#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {

std::optional<Reply> auth(Session&, const Command&) { return Reply(503, "5.5.1 Error: authentication not enabled"); }

}  // namespace smtpd
