#include "lib/store/account_watch.h"

#include <array>
#include <cstring>

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/store/folder.h"
#include "lib/store/names.h"
#include "lib/store/watch.h"

namespace store {
namespace {

constexpr std::string_view subscriptions_file = "subscriptions";
constexpr int reads_limit = 100;   // of one take(): where there is always more, the rest waits for the next

Place parent_of(const Place& place) {
  const std::size_t slash = place.below.rfind('/');
  if (place.below.empty()) {
    const std::size_t end = place.root.rfind('/');
    return {place.root.substr(0, end), {}};
  }
  return {place.root, slash == std::string::npos ? std::string() : place.below.substr(0, slash)};
}

std::string last_part(const Place& place) {
  const std::string path = place.path();
  return path.substr(path.rfind('/') + 1);
}

Place within(Place place, std::string_view part) {
  place.below += place.below.empty() ? std::string(part) : "/" + std::string(part);
  return place;
}

// Files beside mboxes that are none: locks, and our own and Dovecot's.
bool is_side_file(std::string_view name) {
  return name.ends_with(".lock") || name.starts_with('.') || name.starts_with("dovecot") || name.starts_with("valija");
}

}  // namespace

AccountWatch::Directory* AccountWatch::add(Directories& directories, const Place& place) {
  const auto opened = open_directory(place, O_PATH);
  if (!opened) return nullptr;   // it is gone: the tree's news tell
  const int number = add_watch(watches_, *opened);
  if (number < 0) {
    is_complete_ = false;
    return nullptr;
  }
  return &directories[number];
}

void AccountWatch::add_messages(Directories& directories, const std::string& name) {
  const Place mail = places_of(name, location_).mail;
  if (location_.kind == Location::Kind::mbox) {
    Directory* const directory = add(directories, parent_of(mail));
    if (directory != nullptr) directory->mbox_files[last_part(mail)] = name;
    return;
  }
  for (const char* part : {"cur", "new"}) {
    if (Directory* const directory = add(directories, within(mail, part))) directory->mailbox = name;
  }
}

// A directory in which mailboxes may come.
void AccountWatch::add_level(Directories& directories, const std::string& name) {
  if (location_.layout == Location::Layout::maildir_plus_plus || name == inbox_name) return;   // all are in the root
  const Place mail = places_of(name, location_).mail;
  Directory* const directory = add(directories, location_.kind == Location::Kind::mbox ? parent_of(mail) : mail);
  if (directory != nullptr) directory->is_of_tree = true;
}

void AccountWatch::watch(std::span<const std::string> mailboxes, std::span<const std::string> tree) {
  if (!watches_) watches_ = new_watches();
  is_complete_ = static_cast<bool>(watches_);
  if (!watches_) return;
  Directories directories;
  const Places inbox = places_of(inbox_name, location_);
  for (const Place& place : {Place{location_.root, {}}, Place{inbox.roots.root, {}}}) {
    if (Directory* const directory = add(directories, place)) directory->is_of_tree = true;
  }
  for (const std::string& name : mailboxes) add_messages(directories, name);
  for (const std::string& name : tree) add_level(directories, name);
  // The same directory under another name has kept its number.
  for (const auto& [number, directory] : directories_) {
    if (!directories.contains(number)) ::inotify_rm_watch(watches_.get(), number);
  }
  directories_ = std::move(directories);
}

void AccountWatch::stop() {
  watches_.reset();
  directories_.clear();
  is_complete_ = false;
}

void AccountWatch::note(News& news, int number, std::string_view file, bool is_directory) const {
  const auto found = directories_.find(number);
  if (found == directories_.end()) return;
  const Directory& directory = found->second;
  if (!directory.mailbox.empty()) news.mailboxes.insert(directory.mailbox);
  if (const auto mbox = directory.mbox_files.find(file); mbox != directory.mbox_files.end()) news.mailboxes.insert(mbox->second);
  if (!directory.is_of_tree) return;
  const bool may_be_mailbox = is_directory || (location_.kind == Location::Kind::mbox && !is_side_file(file) && !directory.mbox_files.contains(file));
  if (may_be_mailbox || file == subscriptions_file) news.tree = true;
}

AccountWatch::News AccountWatch::take() {
  News news;
  alignas(inotify_event) std::array<char, 4096> buffer;
  for (int reads = 0; watches_ && reads < reads_limit; ++reads) {
    const ssize_t size = ::read(watches_.get(), buffer.data(), buffer.size());
    if (size <= 0) break;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(size);) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* const name = buffer.data() + at + sizeof event;
      const std::string_view file(name, ::strnlen(name, event.len));
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) news.all = news.tree = true;
      else if ((event.mask & IN_IGNORED) != 0) news.tree = true;   // the directory is gone
      else note(news, event.wd, file, (event.mask & IN_ISDIR) != 0);
    }
  }
  return news;
}

}  // namespace store
