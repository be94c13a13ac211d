#include "imapd/search_updates.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lib/event/loop.h"
#include "lib/imap/response_writer.h"

namespace imapd {
namespace {

constexpr std::size_t search_updates_limit = 10;   // of one session

// As the search had asked: of messages, or UIDs.
std::string numbers_text(const View& view, imap::Numbering numbering, const imap::NumberSet& uids) {
  if (numbering == imap::Numbering::uid) return uids.text();
  imap::NumberSet numbers;
  for (const imap::Range& range : uids.ranges()) {
    for (store::Uid uid = range.first;; ++uid) {
      numbers.add(view.number_of(uid));
      if (uid == range.last) break;
    }
  }
  return numbers.text();
}

}  // namespace

bool SearchUpdates::is_full() const { return searches_.size() >= search_updates_limit; }

bool SearchUpdates::has(std::string_view tag) const { return std::ranges::find(searches_, tag, &Search::tag) != searches_.end(); }

void SearchUpdates::add(std::string tag, imap::Numbering numbering, Searcher searcher, std::span<const store::Uid> found) {
  std::vector<store::Uid> sorted(found.begin(), found.end());
  std::ranges::sort(sorted);
  imap::NumberSet uids;
  for (const store::Uid uid : sorted) uids.add(uid);
  searches_.push_back({.tag = std::move(tag), .numbering = numbering, .searcher = std::move(searcher), .found = std::move(uids)});
}

bool SearchUpdates::cancel(std::string_view tag) { return std::erase_if(searches_, [&](const Search& search) { return search.tag == tag; }) > 0; }

void SearchUpdates::tell_vanished(std::string& out, const View& view, const imap::NumberSet& gone) {
  for (Search& search : searches_) {
    const imap::NumberSet removed = search.found.within(gone);
    if (removed.empty()) continue;
    search.found = search.found.without(removed);
    imap::EsearchWriter writer(out, search.tag, search.numbering);
    writer.update("REMOVEFROM", numbers_text(view, search.numbering, removed));
    writer.close();
  }
}

void SearchUpdates::tell_changed(std::string& out, View& view, const std::set<store::Uid>& changed) {
  for (Search& search : searches_) {
    imap::NumberSet added, removed;
    search.searcher.look_again();
    for (const store::Uid uid : changed) {
      const store::Entry* const entry = view.mailbox().find(uid);
      if (entry == nullptr || view.number_of(uid) == 0) continue;
      const bool is_in = search.found.contains(uid), belongs = search.searcher.matches(*entry);
      if (is_in && !belongs) removed.add(uid);
      if (!is_in && belongs) added.add(uid);
      event::breathe();
    }
    if (added.empty() && removed.empty()) continue;
    search.found = search.found.without(removed);
    for (const imap::Range& range : added.ranges()) search.found.add(range);
    imap::EsearchWriter writer(out, search.tag, search.numbering);
    if (!removed.empty()) writer.update("REMOVEFROM", numbers_text(view, search.numbering, removed));
    if (!added.empty()) writer.update("ADDTO", numbers_text(view, search.numbering, added));
    writer.close();
  }
}

}  // namespace imapd
