// Creating, removing and renaming mailboxes.

#include <algorithm>
#include <cerrno>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/store/account.h"
#include "lib/store/maildir.h"
#include "lib/store/names.h"
#include "lib/store/special_file.h"
#include "lib/store/tree.h"

namespace store {
namespace {

constexpr int remove_depth_max = 4;
constexpr std::string_view trash_prefix = "..valija-trash.";

// What is in the directory, and below; symbolic links themselves, not where they lead.
void empty_directory(int parent, const std::string& name, int depth) {
  const int fd = ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR* const directory = fd < 0 ? nullptr : ::fdopendir(fd);
  if (directory == nullptr) {
    if (fd >= 0) ::close(fd);
    return;
  }
  while (const dirent* const entry = ::readdir(directory)) {
    const std::string inner = entry->d_name;
    if (inner == "." || inner == "..") continue;
    if (::unlinkat(fd, inner.c_str(), 0) == 0 || (errno != EISDIR && errno != EPERM) || depth == 0) continue;
    empty_directory(fd, inner, depth - 1);
    ::unlinkat(fd, inner.c_str(), AT_REMOVEDIR);
  }
  ::closedir(directory);
}

// The directory that a place is in, and its name there.
struct Named {
  Fd parent;
  std::string name;
};
Result<Named> named(const Place& place) {
  const std::size_t slash = place.below.rfind('/');
  Place parent{place.root, slash == std::string::npos ? std::string() : place.below.substr(0, slash)};
  return Named{TRY(open_directory(parent)), place.below.substr(slash == std::string::npos ? 0 : slash + 1)};
}

// Takes it away in one step under a name that is no mailbox's, then removes what is in it.
Result<void> remove_tree(const Place& place) {
  const Named old = TRY(named(place));
  const std::string trash = fmt::format("{}{}", trash_prefix, new_mailbox_id());
  if (::renameat(old.parent.get(), old.name.c_str(), old.parent.get(), trash.c_str()) != 0) return base::fail_system("remove " + place.path());
  ::fsync(old.parent.get());
  empty_directory(old.parent.get(), trash, remove_depth_max);
  ::unlinkat(old.parent.get(), trash.c_str(), AT_REMOVEDIR);
  return {};
}

bool is_own_file(const std::string& name) {
  return name.starts_with("dovecot") || name.starts_with("valija.") || name.starts_with("valija-keywords") || name.starts_with("courier") ||
         name == "maildirfolder" || name == "maildirsize";
}

// LAYOUT=fs: the mailbox goes, and what is below it stays.
Result<void> remove_mailbox_only(const Place& place) {
  const Named old = TRY(named(place));
  const Fd directory = TRY(open_directory(place));
  for (const char* part : {"cur", "new", "tmp"}) {
    if (auto removed = remove_tree({place.root, place.below + "/" + part}); !removed && removed.error().code() != ENOENT) return removed;
  }
  const int fd = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const listing = fd < 0 ? nullptr : ::fdopendir(fd);
  if (listing != nullptr) {
    while (const dirent* const entry = ::readdir(listing)) {
      if (is_own_file(entry->d_name)) ::unlinkat(fd, entry->d_name, 0);
    }
    ::closedir(listing);
  }
  ::unlinkat(old.parent.get(), old.name.c_str(), AT_REMOVEDIR);  // stays when there are others in it
  return {};
}

Result<void> move_place(const Place& from, const Place& to) {
  const Named source = TRY(named(from));
  const std::size_t slash = to.below.rfind('/');
  if (slash != std::string::npos) static_cast<void>(TRY(make_directory({to.root, to.below.substr(0, slash)})).get());
  const Named target = TRY(named(to));
  if (::renameat2(source.parent.get(), source.name.c_str(), target.parent.get(), target.name.c_str(), RENAME_NOREPLACE) != 0) {
    return base::fail_system(fmt::format("rename {} to {}", from.path(), to.path()));
  }
  if (::fsync(target.parent.get()) != 0) return base::fail_system("fsync the directory of " + to.path());
  return {};
}

bool is_same(const Place& a, const Place& b) { return a.root == b.root && a.below == b.below; }

// Control files and index go with the mail. They may be missing.
Result<void> move_mailbox(const Places& from, const Places& to) {
  TRY(move_place(from.mail, to.mail));
  for (const auto& part : {std::pair{&from.control, &to.control}, {&from.index, &to.index}}) {
    if (part.first->root.empty() || is_same(*part.first, from.mail) || (part.first == &from.index && is_same(from.index, from.control))) continue;
    if (auto moved = move_place(*part.first, *part.second); !moved && moved.error().code() != ENOENT && moved.error().code() != EEXIST) return moved;
  }
  return {};
}

}  // namespace

Result<void> Account::create_checked(const std::string& name) {
  const Found found = TRY(find_mailbox(name, location_));
  if (found.selectable) return base::Failure(base::Error::system("create mailbox " + name, EEXIST));
  const Places places = places_of(name, location_);
  if (location_.kind == Location::Kind::maildir) {
    TRY(make_maildir(places));
  } else {
    const std::size_t slash = places.mail.below.rfind('/');
    const Fd parent = TRY(make_directory({places.mail.root, slash == std::string::npos ? std::string() : places.mail.below.substr(0, slash)}));
    const Fd file = TRY(open_in(parent, places.mail.below.substr(slash == std::string::npos ? 0 : slash + 1), O_CREAT | O_EXCL | O_WRONLY));
    if (::fsync(parent.get()) != 0) return base::fail_system("fsync the directory of " + name);
  }
  // Its UIDVALIDITY is on disk before anybody hears of it.
  const auto mailbox = TRY(open_checked(name, Access::read_write));
  static_cast<void>(TRY(mailbox->refresh()).none());
  return {};
}

Result<void> Account::create(std::string_view name, std::uint8_t special) {
  const bool is_level = name.ends_with(location_.separator());
  if (is_level) name.remove_suffix(1);
  const std::string canonical = TRY(checked(name));
  if (is_level && location_.layout == Location::Layout::fs && canonical != inbox_name) {
    const Found found = TRY(find_mailbox(canonical, location_));
    if (found.selectable || found.has_children) return base::Failure(base::Error::system("create mailbox " + canonical, EEXIST));
    static_cast<void>(TRY(make_directory(places_of(canonical, location_).mail)).get());
    return {};
  }
  TRY(create_checked(canonical));
  if (special != 0) TRY(set_special(canonical, special));
  return {};
}

Result<void> Account::remove(std::string_view name) {
  const std::string canonical = TRY(checked(name));
  if (canonical == inbox_name) return base::Failure(base::Error::system("remove INBOX", EPERM));
  const Found found = TRY(find_mailbox(canonical, location_));
  const Places places = places_of(canonical, location_);
  if (!found.selectable) {
    if (!found.has_children) return base::Failure(base::Error::system("remove mailbox " + canonical, ENOENT));
    // A level without a mailbox can go when nothing is below it.
    const auto old = location_.layout == Location::Layout::fs ? named(places.mail) : base::Failure(base::Error::system("remove mailbox", ENOTEMPTY));
    if (!old) return base::Failure(old.error());
    if (::unlinkat(old->parent.get(), old->name.c_str(), AT_REMOVEDIR) != 0) return base::fail_system("remove mailbox " + canonical);
    return {};
  }
  const auto use = quota_.is_kept() ? status(canonical, Sizes::not_wanted) : Result<Status>(Status{});
  if (location_.kind == Location::Kind::mbox) {
    const Named old = TRY(named(places.mail));
    if (::unlinkat(old.parent.get(), old.name.c_str(), 0) != 0) return base::fail_system("remove mailbox " + canonical);
  } else if (location_.layout == Location::Layout::fs) {
    TRY(remove_mailbox_only(places.mail));
  } else {
    TRY(remove_tree(places.mail));
  }
  for (const Place* place : {&places.control, &places.index}) {
    if (place->root.empty() || is_same(*place, places.mail)) continue;
    if (location_.layout == Location::Layout::fs && location_.kind == Location::Kind::maildir) {
      static_cast<void>(remove_mailbox_only(*place).has_value());
    } else {
      static_cast<void>(remove_tree(*place).has_value());
    }
  }
  if (use && use->messages > 0 && around_.quota != nullptr) static_cast<void>(quota_.recount().has_value());
  return SpecialFile(location_, around_).change([&](SpecialFile::Uses& uses) { uses.erase(canonical); });
}

// Its messages go to the new mailbox; INBOX stays, and so do the mailboxes below it (RFC 9051 section 6.3.6).
Result<void> Account::rename_inbox(const std::string& to) {
  TRY(create_checked(to));
  const auto source = TRY(open(inbox_name, Access::read_write));
  const auto target = TRY(open(to, Access::read_write));
  std::vector<Uid> uids;
  for (const Entry& entry : source->entries()) uids.push_back(entry.uid);
  static_cast<void>(TRY(source->move(uids, *target)).pairs.size());
  return {};
}

Result<void> Account::rename(std::string_view from, std::string_view to) {
  const std::string source = TRY(checked(from)), target = TRY(checked(to));
  const std::string prefix = source + location_.separator();
  if (target.starts_with(prefix)) return base::Failure(base::Error::system("rename a mailbox to below itself", EINVAL));
  const Found there = TRY(find_mailbox(target, location_));
  if (there.selectable || there.has_children) return base::Failure(base::Error::system("rename to " + target, EEXIST));
  if (source == inbox_name) return rename_inbox(target);
  const Found found = TRY(find_mailbox(source, location_));
  if (!found.selectable && !found.has_children) return base::Failure(base::Error::system("rename " + source, ENOENT));

  std::vector<std::string> below;
  for (const Found& other : TRY(find_mailboxes(location_))) {
    if (other.name.starts_with(prefix) && other.selectable) below.push_back(other.name);
  }
  for (const std::string& name : below) TRY(check_name(target + name.substr(source.size()), location_));
  if (location_.layout == Location::Layout::fs) {
    TRY(move_mailbox(places_of(source, location_), places_of(target, location_)));
  } else {
    if (found.selectable) TRY(move_mailbox(places_of(source, location_), places_of(target, location_)));
    for (const std::string& name : below) {
      TRY(move_mailbox(places_of(name, location_), places_of(target + name.substr(source.size()), location_)));
    }
  }
  return SpecialFile(location_, around_).change([&](SpecialFile::Uses& uses) {
    SpecialFile::Uses renamed;
    for (const auto& [name, bits] : uses) {
      const bool moves = name == source || name.starts_with(prefix);
      renamed[moves ? target + name.substr(source.size()) : name] = bits;
    }
    uses = std::move(renamed);
  });
}

}  // namespace store
