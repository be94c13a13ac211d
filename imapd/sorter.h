#pragma once
// Puts messages of the selected mailbox in order (RFC 5256 section 3, RFC 5957).

#include <span>
#include <vector>

#include "imapd/session.h"
#include "lib/imap/search_arguments.h"

namespace imapd {

// `uids` come in the order of the mailbox, in which equal ones stay. Lets other sessions run in between. What cannot be read any more
// counts as empty. Each criterion is a step of `progress`.
void sort_messages(Session& session, std::span<const imap::SortCriterion> criteria, std::vector<store::Uid>& uids, Progress& progress);

}  // namespace imapd
