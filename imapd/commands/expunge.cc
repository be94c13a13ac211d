#include <algorithm>
#include <vector>

#include "imapd/commands.h"
#include "imapd/session.h"
#include "lib/imap/message_arguments.h"

namespace imapd {

// EXPUNGE (RFC 9051 section 6.4.3), UID EXPUNGE (section 6.4.9): which have gone is told at the end of the command.
Reply expunge(Session& session, imap::Values arguments) {
  View& view = *session.view();
  store::Mailbox& mailbox = view.mailbox();
  std::optional<std::vector<store::Uid>> wanted;
  if (session.command().name == "UID EXPUNGE") {
    const auto set = imap::parse_set_argument(arguments);
    if (!set) return bad_arguments(session, set.error().message());
    wanted = view.resolve(*set, imap::Numbering::uid);
  }
  if (mailbox.is_read_only()) return no("EXPUNGE attempted on a read-only mailbox", "READ-ONLY");
  if (auto done = view.refresh(); !done) return session.failed(done.error());   // what others have marked counts
  std::vector<store::Uid> marked;
  for (const store::Entry& entry : mailbox.entries()) {
    if ((entry.flags.system & store::flag::deleted) == 0) continue;
    if (!wanted || std::ranges::binary_search(*wanted, entry.uid)) marked.push_back(entry.uid);
  }
  if (!marked.empty()) {
    if (const auto done = mailbox.expunge(marked); !done) return session.failed(done.error());
  }
  return ok("Expunge completed.");
}

}  // namespace imapd
