#include "imapd/commands.h"
#include "imapd/session.h"

namespace imapd {

// NOOP and CHECK (RFC 9051 section 6.1.2, RFC 3501 section 6.4.1): what is new is told at the end of each command.
Reply noop(Session&, imap::Values) { return ok("NOOP completed."); }
Reply check(Session&, imap::Values) { return ok("Check completed."); }

}  // namespace imapd
