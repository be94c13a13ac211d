#pragma once
// What SEARCH and SORT have in common: they look for messages and say of them what RETURN asks for (RFC 4731, 5182, 5267, 9394).

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "imapd/session.h"
#include "lib/imap/search_arguments.h"

namespace imapd {

struct SearchTask {
  std::string_view name;            // of the answer without RETURN
  imap::SearchReturn returned;
  std::string charset;
  imap::SearchProgram program;
  // Puts what was found, which comes in the order of the mailbox, into that of the answer, in so many steps; may be empty.
  std::size_t order_steps = 0;
  std::function<void(std::vector<store::Uid>& uids, Progress& progress)> order;
};

// None: done, and told. Else how the command fails.
[[nodiscard]] std::optional<Reply> answer_search(Session& session, SearchTask task);

}  // namespace imapd
