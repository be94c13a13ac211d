#pragma once
// Searches whose results are kept up to date for as long as the mailbox is selected (RFC 5267 section 4.3): what comes into one and goes
// out of it is told with the mailbox's other news.

#include <cstddef>
#include <list>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "imapd/searcher.h"
#include "lib/imap/sequence_set.h"

namespace imapd {

class SearchUpdates {
 public:
  [[nodiscard]] bool empty() const { return searches_.empty(); }
  [[nodiscard]] bool is_full() const;
  [[nodiscard]] bool has(std::string_view tag) const;
  // `tag`: of the command that asked for it; a new one. `found`: UIDs that the client knows, in any order.
  void add(std::string tag, imap::Numbering numbering, Searcher searcher, std::span<const store::Uid> found);
  // False: there is none.
  bool cancel(std::string_view tag);

  // Before their numbers go.
  void tell_vanished(std::string& out, const View& view, const imap::NumberSet& gone);
  // When the client knows of them: messages that are new, or whose flags are. Lets other sessions run in between.
  void tell_changed(std::string& out, View& view, const std::set<store::Uid>& changed);

 private:
  struct Search {
    std::string tag;
    imap::Numbering numbering;
    Searcher searcher;
    imap::NumberSet found;   // UIDs
  };
  std::list<Search> searches_;
};

}  // namespace imapd
