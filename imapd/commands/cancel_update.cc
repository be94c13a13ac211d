#include <algorithm>

#include "imapd/commands.h"
#include "imapd/search_updates.h"
#include "imapd/session.h"
#include "lib/imap/search_arguments.h"

namespace imapd {

// CANCELUPDATE (RFC 5267 section 4.3.3).
Reply cancel_update(Session& session, imap::Values arguments) {
  const auto tags = imap::parse_cancel_update(arguments);
  if (!tags) return bad_arguments(session, tags.error().message());
  const auto cancel = [&](const std::string& tag) { return session.view() != nullptr && session.view()->search_updates().cancel(tag); };
  return std::ranges::all_of(*tags, cancel) ? ok("Updates cancelled.") : no("Unknown tag");
}

}  // namespace imapd
