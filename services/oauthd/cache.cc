#include "services/oauthd/cache.h"

namespace oauthd {

void Cache::forget(Entries::iterator entry) {
  by_digest_.erase(entry->digest);
  entries_.erase(entry);
}

const std::string* Cache::find(const std::string& digest) {
  const auto found = by_digest_.find(digest);
  if (found == by_digest_.end()) return nullptr;
  const Entry& entry = *found->second;
  // Its own end is a time of day: one that the clock jumps over counts at once.
  if (clock_.now() < entry.until && (!entry.ends || clock_.stamp() < *entry.ends)) return &entry.user;
  forget(found->second);
  return nullptr;
}

void Cache::keep(const std::string& digest, std::string user, std::optional<Stamp> ends) {
  if (size_ == 0 || time_.count() == 0) return;
  if (const auto found = by_digest_.find(digest); found != by_digest_.end()) forget(found->second);
  // All live equally long, so the oldest end first.
  while (!entries_.empty() && (entries_.size() >= size_ || clock_.now() >= entries_.back().until)) forget(std::prev(entries_.end()));
  entries_.push_front({digest, std::move(user), clock_.now() + time_, ends});
  by_digest_[digest] = entries_.begin();
}

}  // namespace oauthd
