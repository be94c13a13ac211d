#include "imapd/commands.h"
#include "imapd/session.h"

namespace imapd {

// RFC 9051 section 6.1.3.
Reply logout(Session& session, imap::Values) {
  session.write("* BYE Logging out\r\n");
  session.end();
  return ok("Logout completed.");
}

}  // namespace imapd
