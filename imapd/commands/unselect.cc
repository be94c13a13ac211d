#include <vector>

#include "imapd/commands.h"
#include "imapd/session.h"

namespace imapd {

// RFC 9051 section 6.4.2: leaves the mailbox as it is.
Reply unselect(Session& session, imap::Values) {
  session.unselect();
  return ok("Unselect completed.");
}

// RFC 9051 section 6.4.1: removes what is marked, without a word about it.
Reply close_mailbox(Session& session, imap::Values) {
  store::Mailbox& mailbox = session.view()->mailbox();
  std::vector<store::Uid> marked;
  if (!mailbox.is_read_only()) {
    if (auto done = session.view()->refresh(); !done) return session.failed(done.error());
    for (const store::Entry& entry : mailbox.entries()) {
      if ((entry.flags.system & store::flag::deleted) != 0) marked.push_back(entry.uid);
    }
  }
  if (!marked.empty()) {
    if (const auto done = mailbox.expunge(marked); !done) return session.failed(done.error());
  }
  session.unselect();
  return ok("Close completed.");
}

}  // namespace imapd
