#include "imapd/view.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "imapd/search_updates.h"
#include "lib/imap/response_writer.h"

namespace imapd {

View::View(std::unique_ptr<store::Mailbox> mailbox, std::string name)
    : mailbox_(std::move(mailbox)), name_(std::move(name)), search_updates_(std::make_unique<SearchUpdates>()) {
  for (const store::Entry& entry : mailbox_->entries()) uids_.push_back(entry.uid);
  recent_ = recent();
}

View::~View() = default;

std::uint32_t View::recent() const {
  const auto is_recent = [](const store::Entry& entry) { return (entry.flags.system & store::flag::recent) != 0; };
  return static_cast<std::uint32_t>(std::ranges::count_if(mailbox_->entries(), is_recent));
}

std::uint32_t View::number_of(store::Uid uid) const {
  const auto found = std::ranges::lower_bound(uids_, uid);
  return found != uids_.end() && *found == uid ? static_cast<std::uint32_t>(found - uids_.begin()) + 1 : 0;
}

std::optional<std::vector<store::Uid>> View::resolve(const imap::SequenceSet& set, imap::Numbering numbering) const {
  std::vector<store::Uid> out;
  const auto add_uids = [&](const imap::NumberSet& numbers) {
    for (const imap::Range& range : numbers.ranges()) {
      const auto first = std::ranges::lower_bound(uids_, range.first);
      out.insert(out.end(), first, std::upper_bound(first, uids_.end(), range.last));
    }
  };
  if (set.is_saved_result()) {
    add_uids(saved_);
    return out;
  }
  if (numbering == imap::Numbering::uid) {
    add_uids(set.resolve(uids_.empty() ? 0 : uids_.back()));
    return out;
  }
  if (set.largest_named() > exists() || (set.has_star() && uids_.empty())) return std::nullopt;
  const imap::NumberSet numbers = set.resolve(exists());
  for (const imap::Range& range : numbers.ranges()) {
    if (range.first == 0 || range.first > exists()) continue;
    out.insert(out.end(), uids_.begin() + (range.first - 1), uids_.begin() + std::min(range.last, exists()));
  }
  return out;
}

Result<void> View::refresh() {
  const store::Changes changes = TRY(mailbox_->refresh());
  if (changes.reset) return base::fail("the mailbox has been made anew", ESTALE);
  has_new_keywords_ = has_new_keywords_ || changes.keywords;
  for (const store::Uid uid : changes.vanished) {
    changed_.erase(uid);
    silent_.erase(uid);
    unsearched_.erase(uid);
    // One that came and went unseen was never there for the client.
    if (std::erase(arrived_, uid) == 0) vanished_.insert(uid);
  }
  for (const store::Uid uid : changes.changed) {
    if (number_of(uid) != 0) changed_.insert(uid);
  }
  arrived_.insert(arrived_.end(), changes.arrived.begin(), changes.arrived.end());
  if (!search_updates_->empty()) {
    unsearched_.insert(changes.changed.begin(), changes.changed.end());
    unsearched_.insert(changes.arrived.begin(), changes.arrived.end());
  }
  return {};
}

void View::be_silent_about(std::span<const store::Uid> uids) {
  for (const store::Uid uid : uids) {
    if (changed_.erase(uid) > 0) silent_.insert(uid);
  }
}

void View::tell_again(std::span<const store::Uid> uids) {
  for (const store::Uid uid : uids) {
    if (number_of(uid) != 0 && mailbox_->find(uid) != nullptr) changed_.insert(uid);
  }
}

void View::forget_changes(std::span<const store::Uid> uids) {
  for (const store::Uid uid : uids) {
    changed_.erase(uid);
    silent_.erase(uid);
  }
}

View::Told View::tell(std::string& out, Telling what, const Features& features) {
  Told told{.vanished = what.vanished && !vanished_.empty(), .first_new = 0};
  if (has_new_keywords_ && (what.flags || what.arrived)) {
    append_flags(out);
    has_new_keywords_ = false;
  }
  const bool is_recent_new = (what.arrived && !arrived_.empty()) || (what.vanished && !vanished_.empty());
  if (what.vanished) tell_vanished(out, features);
  if (what.arrived && !arrived_.empty()) {
    told.first_new = exists() + 1;
    uids_.insert(uids_.end(), arrived_.begin(), arrived_.end());
    arrived_.clear();
    imap::append_number(out, exists(), "EXISTS");
  }
  if (is_recent_new) {
    const std::uint32_t now = recent();
    if (!features.rev2 && now != recent_) imap::append_number(out, now, "RECENT");
    recent_ = now;
  }
  if (what.flags) tell_changed(out, what, features);
  // Of a message that he has not been told of he hears nothing.
  if (what.flags && what.arrived) search_updates_->tell_changed(out, *this, std::exchange(unsearched_, {}));
  return told;
}

void View::tell_vanished(std::string& out, const Features& features) {
  if (vanished_.empty()) return;
  imap::NumberSet gone;
  for (const store::Uid uid : vanished_) {
    if (number_of(uid) != 0) gone.add(uid);
  }
  search_updates_->tell_vanished(out, *this, gone);
  // From the last on, so that no number changes before it is told.
  for (auto uid = vanished_.rbegin(); uid != vanished_.rend(); ++uid) {
    const std::uint32_t number = number_of(*uid);
    if (number == 0) continue;
    if (!features.qresync) imap::append_number(out, number, "EXPUNGE");
  }
  if (features.qresync) imap::append_vanished(out, imap::Vanished::now, gone);
  std::erase_if(uids_, [&](store::Uid uid) { return vanished_.contains(uid); });
  saved_ = saved_.without(gone);
  vanished_.clear();
}

void View::tell_changed(std::string& out, const Telling& what, const Features& features) {
  const bool with_modseq = features.condstore || features.qresync;
  std::set<store::Uid> all = changed_;
  if (with_modseq) all.insert(silent_.begin(), silent_.end());
  for (const store::Uid uid : all) {
    const store::Entry* const entry = mailbox_->find(uid);
    const std::uint32_t number = number_of(uid);
    if (entry == nullptr || number == 0) continue;
    out += fmt::format("* {} FETCH (", number);
    if (what.uids || features.qresync) out += fmt::format("UID {} ", uid);
    if (with_modseq) out += fmt::format("MODSEQ ({})", entry->modseq);
    if (changed_.contains(uid)) {
      out += with_modseq ? " FLAGS " : "FLAGS ";
      append_flags_of(out, *entry, features);
    }
    out += ")\r\n";
  }
  changed_.clear();
  silent_.clear();
}

void View::append_flags(std::string& out) const {
  std::vector<std::string> names;
  for (const std::string& keyword : mailbox_->keywords()) {
    if (!keyword.empty()) names.push_back(keyword);
  }
  out += "* FLAGS ";
  imap::append_flags(out, store::flag::all, names);
  out += "\r\n* OK [PERMANENTFLAGS ";
  if (mailbox_->is_read_only()) {
    out += "()] Read-only mailbox.\r\n";
    return;
  }
  imap::append_flags(out, store::flag::all, names);
  out.insert(out.size() - 1, " \\*");
  out += "] Flags permitted.\r\n";
}

void View::append_flags_of(std::string& out, const store::Entry& entry, const Features& features) const {
  const std::vector<std::string>& known = mailbox_->keywords();
  std::vector<std::string> names;
  for (std::size_t bit = 0; bit < known.size() && bit < store::keywords_max; ++bit) {
    if ((entry.flags.keywords >> bit & 1) != 0 && !known[bit].empty()) names.push_back(known[bit]);
  }
  const auto hidden = features.rev2 ? store::flag::recent : std::uint8_t{0};
  imap::append_flags(out, static_cast<std::uint8_t>(entry.flags.system & ~hidden), names);
}

}  // namespace imapd
