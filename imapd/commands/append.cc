#include "imapd/appending.h"
#include "imapd/commands.h"

namespace imapd {

// APPEND (RFC 9051 section 6.3.12), with MULTIAPPEND (RFC 3502), literal8 (RFC 3516) and CATENATE (RFC 4469).
Reply append(Session& session, imap::Values) { return Appending(session).append(); }

// REPLACE and UID REPLACE (RFC 8508).
Reply replace(Session& session, imap::Values) { return Appending(session).replace(); }

}  // namespace imapd
