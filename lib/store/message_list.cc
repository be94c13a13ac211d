#include "lib/store/message_list.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/check.h"

namespace store {
namespace {

ModSeq now_microseconds() {
  return static_cast<ModSeq>(
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

Flags without_recent(Flags flags) {
  flags.system &= flag::all;
  return flags;
}

void sort_once(std::vector<Uid>& uids) {
  std::ranges::sort(uids);
  const auto [first, last] = std::ranges::unique(uids);
  uids.erase(first, last);
}

// Of sorted `uids`, those that are not in sorted `other`.
void subtract(std::vector<Uid>& uids, const std::vector<Uid>& other) {
  std::erase_if(uids, [&](Uid uid) { return std::ranges::binary_search(other, uid); });
}

void add_uid(std::vector<UidRange>& ranges, Uid uid) {
  if (!ranges.empty() && ranges.back().last + 1 == uid) {
    ranges.back().last = uid;
  } else {
    ranges.push_back({uid, uid});
  }
}

}  // namespace

void MessageList::begin() {
  entries_.clear();
  gone_.clear();
  highest_ = 0;
  gone_since_ = next_modseq();
}

void MessageList::begin(Known known) {
  entries_ = std::move(known.entries);
  gone_ = std::move(known.gone);
  highest_ = known.highest;
  gone_since_ = known.gone_since;
}

void MessageList::distrust() {
  const ModSeq modseq = next_modseq();
  for (Entry& entry : entries_) entry.modseq = modseq;
  gone_.clear();
  gone_since_ = modseq;
}

ModSeq MessageList::next_modseq() {
  highest_ = std::max(highest_ + 1, now_microseconds());
  return highest_;
}

const Entry* MessageList::find(Uid uid) const {
  const auto found = std::ranges::lower_bound(entries_, uid, {}, &Entry::uid);
  return found != entries_.end() && found->uid == uid ? &*found : nullptr;
}

bool MessageList::replace(std::vector<Entry> now) {
  ModSeq modseq = 0;
  const auto change = [&] { return modseq != 0 ? modseq : modseq = next_modseq(); };
  auto old = entries_.begin();
  const auto vanish = [&] {
    gone_.push_back({old->uid, change()});
    pending_.vanished.push_back(old->uid);
    ++old;
  };
  for (Entry& entry : now) {
    while (old != entries_.end() && old->uid < entry.uid) vanish();
    if (old == entries_.end() || old->uid != entry.uid) {
      entry.modseq = change();
      pending_.arrived.push_back(entry.uid);
      continue;
    }
    entry.flags.system = static_cast<std::uint8_t>(entry.flags.system | (old->flags.system & flag::recent));
    entry.modseq = old->modseq;
    if (without_recent(old->flags) != without_recent(entry.flags)) {
      entry.modseq = change();
      pending_.changed.push_back(entry.uid);
    }
    ++old;
  }
  while (old != entries_.end()) vanish();
  entries_ = std::move(now);
  trim_gone();
  return modseq != 0;
}

void MessageList::set_flags(std::size_t position, Flags flags, ModSeq modseq) {
  Entry& entry = entries_[position];
  flags.system = static_cast<std::uint8_t>((flags.system & flag::all) | (entry.flags.system & flag::recent));
  entry.flags = flags;
  entry.modseq = modseq;
  pending_.changed.push_back(entry.uid);
}

void MessageList::add(Uid uid, Flags flags, ModSeq modseq) {
  CHECK(entries_.empty() || entries_.back().uid < uid);
  entries_.push_back({uid, flags, modseq});
  pending_.arrived.push_back(uid);
}

void MessageList::remove(std::span<const std::size_t> positions, ModSeq modseq) {
  for (const std::size_t position : positions) {
    gone_.push_back({entries_[position].uid, modseq});
    pending_.vanished.push_back(entries_[position].uid);
  }
  std::size_t kept = 0, next = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (next < positions.size() && positions[next] == i) {
      ++next;
      continue;
    }
    entries_[kept++] = entries_[i];
  }
  entries_.resize(kept);
  trim_gone();
}

void MessageList::clear_recent() {
  for (Entry& entry : entries_) entry.flags.system &= flag::all;
}

void MessageList::trim_gone() {
  if (gone_.size() <= gone_limit) return;
  const std::size_t drop = gone_.size() - gone_limit / 2;
  gone_since_ = gone_[drop - 1].modseq;
  gone_.erase(gone_.begin(), gone_.begin() + static_cast<std::ptrdiff_t>(drop));
}

std::vector<UidRange> MessageList::vanished_since(ModSeq since, Uid uid_next) const {
  std::vector<UidRange> ranges;
  if (since >= gone_since_) {
    std::vector<Uid> uids;
    for (const Gone& gone : gone_) {
      if (gone.modseq > since) uids.push_back(gone.uid);
    }
    sort_once(uids);
    for (const Uid uid : uids) add_uid(ranges, uid);
    return ranges;
  }
  Uid next = 1;
  for (const Entry& entry : entries_) {
    if (entry.uid > next) ranges.push_back({next, entry.uid - 1});
    next = entry.uid + 1;
  }
  if (uid_next > next) ranges.push_back({next, uid_next - 1});
  return ranges;
}

void MessageList::note_reset() {
  pending_ = {};
  pending_.reset = true;
}

Changes MessageList::take_changes() {
  Changes changes = std::exchange(pending_, {});
  sort_once(changes.vanished);
  sort_once(changes.changed);
  sort_once(changes.arrived);
  // What came and went in between nobody needs to hear of.
  std::vector<Uid> arrived = changes.arrived;
  subtract(changes.arrived, changes.vanished);
  subtract(changes.changed, changes.vanished);
  subtract(changes.changed, arrived);
  subtract(changes.vanished, arrived);
  return changes;
}

}  // namespace store
