// Flags, keywords and expunge of a Maildir.

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/store/maildir.h"

namespace store {

Result<std::uint64_t> Maildir::keyword_bits(std::span<const std::string> names, NewKeywords what) {
  const auto find_bit = [&](const std::string& name) {
    return std::ranges::find_if(keyword_files_.names, [&](const std::string& known) { return ascii::equal_ignoring_case(known, name); }) -
           keyword_files_.names.begin();
  };
  const auto known_bits = [&](std::uint64_t& bits) {
    bool all = true;
    for (const std::string& name : names) {
      const auto bit = find_bit(name);
      if (static_cast<std::size_t>(bit) < keyword_files_.names.size()) {
        bits |= std::uint64_t{1} << bit;
      } else {
        all = false;
      }
    }
    return all;
  };
  std::uint64_t bits = 0;
  if (known_bits(bits) || what == NewKeywords::ignore) return bits;
  if (access_ == Access::read_only) return base::Failure(base::Error::system("new keyword", EROFS));

  const auto lock = TRY(lock_uidlist());
  TRY(read_keywords());
  KeywordFiles changed = keyword_files_;
  bool has_letters = false, has_more = false;
  for (const std::string& name : names) {
    if (static_cast<std::size_t>(find_bit(name)) < keyword_files_.names.size()) continue;
    const auto free = std::ranges::find(changed.names, std::string());
    const auto bit = static_cast<std::size_t>(free - changed.names.begin());
    if (bit >= keywords_max) return base::fail("the mailbox has too many keywords", ENOSPC);
    if (bit == changed.names.size()) changed.names.emplace_back();
    changed.names[bit] = name;
    (bit < letter_keywords ? has_letters : has_more) = true;
  }
  if (has_letters) TRY(replace_in(control_, std::string(letter_keywords_file), changed.letters_text(), Durable::yes));
  if (has_more) TRY(replace_in(control_, std::string(more_keywords_file), changed.more_text(uid_validity_), Durable::yes));
  keyword_files_ = std::move(changed);
  marks_[mark_letters] = mark_in(control_, std::string(letter_keywords_file));
  marks_[mark_more] = mark_in(control_, std::string(more_keywords_file));
  list_.note_keywords();
  about_to_change();
  bits = 0;
  static_cast<void>(known_bits(bits));
  return bits;
}

Result<void> Maildir::save_more_keywords(std::span<const std::pair<Uid, std::uint64_t>> bits) {
  if (bits.empty()) return {};
  const auto lock = TRY(lock_uidlist());
  TRY(read_keywords());
  for (const auto& [uid, keywords] : bits) keyword_files_.set_more(uid, keywords);
  TRY(replace_in(control_, std::string(more_keywords_file), keyword_files_.more_text(uid_validity_), Durable::yes));
  marks_[mark_more] = mark_in(control_, std::string(more_keywords_file));
  return {};
}

Result<bool> Maildir::rename_flags(std::size_t position, Flags flags) {
  Row& row = rows_[position];
  const std::string old_name(name_of(row));
  const FileName parts = FileName::split(old_name);
  // Letters whose names nobody here knows stay.
  flags.keywords = (flags.keywords & letter_bits) | (parts.flags().keywords & ~keyword_files_.named());
  const std::string name = file_name(parts.base, flags, parts.info);
  if (name == old_name && row.in_new == 0) return true;
  if (name.size() > 255) return base::Failure(base::Error::system("rename message", ENAMETOOLONG));
  if (::renameat(directory_of(row).get(), old_name.c_str(), cur_.get(), name.c_str()) != 0) {
    if (errno == ENOENT) return false;
    return base::fail_system("rename message");
  }
  set_name(row, name, false);
  return true;
}

Result<StoreResult> Maildir::store(std::span<const Uid> uids, FlagChange how, Flags what, std::optional<ModSeq> unchanged_since) {
  if (access_ == Access::read_only) return base::Failure(base::Error::system("store flags", EROFS));
  if (!is_up_to_date()) TRY(sync());
  if (!load_rows()) return base::fail("the mailbox cannot be read", EIO);
  StoreResult result;
  std::vector<std::pair<Uid, std::uint64_t>> more;
  ModSeq modseq = 0;
  bool looked_again = false;
  for (std::size_t i = 0; i < uids.size(); ++i) {
    const Entry* const entry = list_.find(uids[i]);
    if (entry == nullptr) {
      result.gone.push_back(uids[i]);
      continue;
    }
    if (unchanged_since && entry->modseq > *unchanged_since && entry->modseq != modseq) {
      result.modified.push_back(uids[i]);
      continue;
    }
    Flags before = entry->flags;
    before.system &= flag::all;
    const Flags after = changed(before, how, what);
    if (after == before) continue;
    about_to_change();
    const std::size_t position = list_.position(entry);
    if (!TRY(rename_flags(position, after))) {
      // Somebody else renamed or removed it: look once more, and go on with this message.
      if (looked_again) {
        result.gone.push_back(uids[i]);
        continue;
      }
      looked_again = true;
      TRY(look_again());
      --i;
      continue;
    }
    looked_again = false;
    if (modseq == 0) modseq = list_.next_modseq();
    list_.set_flags(position, after, modseq);
    if ((before.keywords & ~letter_bits) != (after.keywords & ~letter_bits)) more.emplace_back(uids[i], after.keywords);
    result.changed.push_back(uids[i]);
  }
  if (!result.changed.empty()) note_own_change();
  TRY(save_more_keywords(more));
  return result;
}

void Maildir::forget(std::span<const std::size_t> positions) {
  std::vector<Row> kept;
  kept.reserve(rows_.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (next < positions.size() && positions[next] == i) {
      names_wasted_ += rows_[i].name_size;
      ++next;
    } else {
      kept.push_back(rows_[i]);
    }
  }
  rows_ = std::move(kept);
  list_.remove(positions, list_.next_modseq());
  note_own_change();
}

void Maildir::take_own(bool was_current, std::span<const Adopted> messages) {
  if (was_current) return adopt(messages);
  for (const Adopted& message : messages) own_.insert(message.uid);
  ++*changes_;
}

void Maildir::adopt(std::span<const Adopted> messages) {
  const ModSeq modseq = list_.next_modseq();
  for (const Adopted& message : messages) {
    Row row = message.row;
    row.name_size = 0;
    row.cached = 0;
    set_name(row, message.name, false);
    if (row.wire_size == unknown_size) row.wire_size = FileName::split(message.name).wire_size().value_or(unknown_size);
    rows_.push_back(row);
    // Who adds it while he has the mailbox open is the first to see it.
    Flags flags = message.flags;
    flags.system |= flag::recent;
    list_.add(message.uid, flags, modseq);
    uid_next_ = message.uid + 1;
  }
  note_own_change();
}

Result<std::vector<Uid>> Maildir::expunge(std::span<const Uid> uids) {
  if (access_ == Access::read_only) return base::Failure(base::Error::system("expunge", EROFS));
  if (!is_up_to_date()) TRY(sync());
  if (!load_rows()) return base::fail("the mailbox cannot be read", EIO);
  std::vector<Uid> gone;
  std::vector<std::size_t> positions;
  std::int64_t bytes = 0;
  bool looked_again = false;
  for (std::size_t i = 0; i < uids.size(); ++i) {
    const Entry* const entry = list_.find(uids[i]);
    if (entry == nullptr) continue;
    about_to_change();
    const std::size_t position = list_.position(entry);
    const Row& row = rows_[position];
    const std::string name(name_of(row));
    std::int64_t size = 0;
    if (around_.quota != nullptr && around_.quota->is_kept()) {
      struct stat status {};
      const auto known = FileName::split(name).size();
      if (known) size = static_cast<std::int64_t>(*known);
      else if (::fstatat(directory_of(row).get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) size = status.st_size;
    }
    if (::unlinkat(directory_of(row).get(), name.c_str(), 0) != 0) {
      if (errno != ENOENT) return base::fail_system("remove message");
      if (!looked_again) {
        // Renamed or removed by another. What we removed up to here is taken out of the list by this look, too.
        looked_again = true;
        positions.clear();
        TRY(look_again());
        --i;
        continue;
      }
      continue;
    }
    bytes += size;
    positions.push_back(position);
    gone.push_back(uids[i]);
  }
  if (!positions.empty()) forget(positions);
  if (!gone.empty()) {
    if (around_.quota != nullptr) static_cast<void>(around_.quota->note(-bytes, -static_cast<std::int64_t>(gone.size())).has_value());
    // The list stays as it is if this fails: lines of messages that are gone do no harm.
    static_cast<void>(trim_uidlist().has_value());
  }
  return gone;
}

}  // namespace store
