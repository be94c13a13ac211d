#include <fmt/format.h>

#include "imapd/capabilities.h"
#include "imapd/commands.h"
#include "imapd/session.h"

namespace imapd {

// RFC 9051 section 6.1.1.
Reply capability(Session& session, imap::Values) {
  session.write(fmt::format("* CAPABILITY {}\r\n", capabilities_after_login));
  return ok("Capability completed.");
}

}  // namespace imapd
