#include "imapd/commands.h"
#include "imapd/session.h"
#include "imapd/status_response.h"
#include "lib/imap/mailbox_arguments.h"

namespace imapd {

// STATUS (RFC 9051 section 6.3.11).
Reply status(Session& session, imap::Values arguments) {
  const auto wanted = imap::StatusArguments::parse(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  const auto name = session.store_name(wanted->mailbox);
  if (!name) return invalid_name(session, wanted->mailbox);
  std::string out;
  if (const auto done = append_status_of(out, session, *name, wanted->items); !done) return session.failed(done.error(), wanted->mailbox);
  session.write(out);
  // RFC 9051 section 6.3.11: a client should not ask so.
  if (session.view() != nullptr && session.view()->name() == *name) return ok("Status on selected mailbox completed.", "CLIENTBUG");
  return ok("Status completed.");
}

}  // namespace imapd
