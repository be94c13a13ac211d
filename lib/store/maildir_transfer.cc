#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/store/copy.h"
#include "lib/store/maildir_append.h"

namespace store {
namespace {

constexpr std::size_t pause_every = 1024;   // messages

}  // namespace

Result<std::vector<MaildirTransfer::Item>> MaildirTransfer::prepare(std::span<const Uid> uids) {
  std::vector<Uid> there;
  for (const Uid uid : uids) {
    if (source_.row_of(uid) != nullptr) there.push_back(uid);
  }
  const std::vector<Flags> flags = TRY(translate_flags(source_, there, target_));
  std::vector<Item> items;
  for (std::size_t i = 0; i < there.size(); ++i) {
    if (i % pause_every == pause_every - 1) target_.around_.went(i);
    Item item;
    item.uid = there[i];
    item.flags = flags[i];
    const Maildir::Row* const row = source_.row_of(there[i]);
    if (row == nullptr) return base::Failure(base::Error::system("look at message", ENOENT));
    item.row = *row;
    item.name = source_.name_of(item.row);
    struct stat status {};
    if (::fstatat(source_.directory_of(item.row).get(), item.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return base::fail_system("look at message");
    }
    item.size = static_cast<std::uint64_t>(status.st_size);
    const bool knows_wire_size = item.row.wire_size != Maildir::unknown_size;
    item.base = new_base_name(target_.around_.host) + mailbox::sizes_in_name(item.size, knows_wire_size ? std::optional(item.row.wire_size) : std::nullopt);
    items.push_back(std::move(item));
  }
  return items;
}

Result<void> MaildirTransfer::give_names(std::vector<Item>& items) {
  const int to = target_.cur_.get();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const int from = source_.directory_of(items[i].row).get();
    const std::string name = file_name(items[i].base, {items[i].flags.system, items[i].flags.keywords & letter_bits});
    const int result = how_ == How::link ? ::linkat(from, items[i].name.c_str(), to, name.c_str(), 0)
                                         : ::renameat2(from, items[i].name.c_str(), to, name.c_str(), RENAME_NOREPLACE);
    if (result == 0) {
      items[i].base = name;
      continue;
    }
    const int code = errno;
    for (std::size_t j = 0; j < i; ++j) {
      if (how_ == How::link) {
        ::unlinkat(to, items[j].base.c_str(), 0);
      } else {
        ::renameat2(to, items[j].base.c_str(), source_.directory_of(items[j].row).get(), items[j].name.c_str(), RENAME_NOREPLACE);
      }
    }
    return base::Failure(base::Error::system("link message", code));
  }
  return {};
}

Result<CopiedUids> MaildirTransfer::run(std::span<const Uid> uids) {
  std::vector<Item> items = TRY(prepare(uids));
  std::int64_t bytes = 0;
  for (const Item& item : items) bytes += static_cast<std::int64_t>(item.size);
  const auto count = static_cast<std::int64_t>(items.size());
  Quota* const quota = target_.around_.quota;
  if (quota != nullptr && how_ == How::link) TRY(quota->check(bytes, count));

  CopiedUids copied;
  std::vector<std::pair<Uid, std::uint64_t>> more;
  {
    const auto lock = TRY(target_.lock_uidlist());
    const auto end = TRY(target_.end_of_uidlist());
    copied.uid_validity = end.validity;
    if (items.empty()) return copied;
    if (end.next >= UINT32_MAX - items.size()) return base::fail("no more UIDs", ENOSPC);
    const bool was_current = target_.is_current(end);
    std::vector<Maildir::NewLine> lines;
    for (Item& item : items) {
      item.new_uid = end.next + static_cast<Uid>(lines.size());
      lines.push_back({item.new_uid, item.base});
    }
    target_.about_to_change();
    source_.about_to_change();
    TRY(target_.append_to_uidlist(lines));
    TRY(give_names(items));
    std::vector<Maildir::Adopted> added;
    for (const Item& item : items) added.push_back({item.new_uid, item.base, item.flags, item.row});
    target_.take_own(was_current, added);
    if (::fsync(target_.cur_.get()) != 0) return base::fail_system("fsync maildir");
  }
  for (const Item& item : items) {
    copied.pairs.emplace_back(item.uid, item.new_uid);
    if ((item.flags.keywords & ~letter_bits) != 0) more.emplace_back(item.new_uid, item.flags.keywords);
  }
  TRY(target_.save_more_keywords(more));
  if (quota != nullptr && how_ == How::link) static_cast<void>(quota->note(bytes, count).has_value());
  return copied;
}

namespace {

// What a file system that cannot link or rename across says; nothing has been done then.
bool is_incapable(const base::Error& error) {
  return error.code() == EXDEV || error.code() == EMLINK || error.code() == EPERM || error.code() == EOPNOTSUPP;
}

}  // namespace

Result<CopiedUids> Maildir::copy(std::span<const Uid> uids, Mailbox& target) {
  auto* const maildir = dynamic_cast<Maildir*>(&target);
  if (target.is_read_only()) return base::Failure(base::Error::system("copy", EROFS));
  if (maildir == nullptr) return copy_bytes(*this, uids, target, around_);
  for (int attempt = 0;; ++attempt) {
    auto copied = MaildirTransfer(*this, *maildir, MaildirTransfer::How::link).run(uids);
    if (copied) return copied;
    if (is_incapable(copied.error())) return copy_bytes(*this, uids, target, around_);
    if (copied.error().code() != ENOENT || attempt > 0) return copied;
    TRY(look_again());  // a message was renamed or removed by others
  }
}

Result<CopiedUids> Maildir::move(std::span<const Uid> uids, Mailbox& target) {
  if (access_ == Access::read_only || target.is_read_only()) return base::Failure(base::Error::system("move", EROFS));
  if (auto* const maildir = dynamic_cast<Maildir*>(&target)) {
    for (int attempt = 0;; ++attempt) {
      auto moved = MaildirTransfer(*this, *maildir, MaildirTransfer::How::rename).run(uids);
      if (moved) {
        if (::fsync(cur_.get()) != 0) return base::fail_system("fsync maildir");
        std::vector<std::size_t> positions;
        for (const auto& [from, to] : moved->pairs) positions.push_back(list_.position(list_.find(from)));
        if (!positions.empty()) forget(positions);
        return moved;
      }
      if (is_incapable(moved.error())) break;
      if (moved.error().code() != ENOENT || attempt > 0) return moved;
      TRY(look_again());
    }
  }
  auto copied = TRY(copy_bytes(*this, uids, target, around_));
  std::vector<Uid> done;
  for (const auto& [from, to] : copied.pairs) done.push_back(from);
  TRY(expunge(done));
  return copied;
}

}  // namespace store
