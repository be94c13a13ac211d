#include <utility>

#include "imapd/commands.h"
#include "imapd/search_answer.h"
#include "imapd/session.h"
#include "imapd/sorter.h"
#include "lib/imap/search_arguments.h"

namespace imapd {

// SORT and UID SORT (RFC 5256; SORT=DISPLAY, ESORT).
Reply sort(Session& session, imap::Values arguments) {
  auto wanted = imap::SortArguments::parse(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  const auto failure = answer_search(session, {.name = "SORT",
                                               .returned = wanted->returned,
                                               .charset = std::move(wanted->charset),
                                               .program = std::move(wanted->program),
                                               .order_steps = wanted->criteria.size(),
                                               .order = [&](std::vector<store::Uid>& uids, Progress& progress) {
                                                 sort_messages(session, wanted->criteria, uids, progress);
                                               }});
  return failure ? *failure : ok("Sort completed.");
}

}  // namespace imapd
