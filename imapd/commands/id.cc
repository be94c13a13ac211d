#include "imapd/commands.h"
#include "imapd/session.h"
#include "lib/imap/session_arguments.h"

namespace imapd {

// RFC 2971.
Reply id(Session& session, imap::Values arguments) {
  if (const auto given = imap::parse_id(arguments); !given) return bad_arguments(session, given.error().message());
  session.write("* ID (\"name\" \"Valija\")\r\n");
  return ok("ID completed.");
}

}  // namespace imapd
