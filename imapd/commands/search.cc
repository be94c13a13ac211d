#include <utility>

#include "imapd/commands.h"
#include "imapd/search_answer.h"
#include "imapd/session.h"
#include "lib/imap/search_arguments.h"

namespace imapd {

// SEARCH and UID SEARCH (RFC 9051 section 6.4.4; ESEARCH, SEARCHRES, WITHIN, MODSEQ, PARTIAL, CONTEXT).
Reply search(Session& session, imap::Values arguments) {
  auto wanted = imap::SearchArguments::parse(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  // RFC 6855 section 3: all that the client writes is UTF-8.
  if (session.features().utf8 && !wanted->charset.empty()) return bad_arguments(session, "CHARSET after ENABLE UTF8=ACCEPT");
  const auto failure = answer_search(session, {.name = "SEARCH",
                                               .returned = wanted->returned,
                                               .charset = std::move(wanted->charset),
                                               .program = std::move(wanted->program),
                                               .order = {}});
  return failure ? *failure : ok("Search completed.");
}

}  // namespace imapd
