#include "lib/store/tree.h"

#include <algorithm>
#include <cerrno>
#include <map>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/folder.h"
#include "lib/store/names.h"

namespace store {
namespace {

using Mailboxes = std::map<std::string, bool, std::less<>>;  // selectable?

enum class Type : std::uint8_t { other, directory, file };

Type type_in(int directory, const std::string& name) {
  struct stat status {};
  if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return Type::other;
  return S_ISDIR(status.st_mode) ? Type::directory : S_ISREG(status.st_mode) ? Type::file : Type::other;
}

// Names with their types, without "." and "..".
Result<std::vector<std::pair<std::string, Type>>> list(int fd) {
  const int own = ::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const directory = own < 0 ? nullptr : ::fdopendir(own);
  if (directory == nullptr) return base::fail_system("read the directory of mailboxes");
  std::vector<std::pair<std::string, Type>> found;
  while (const dirent* const entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (name.starts_with("..") || name == "." || found.size() > mailboxes_max) continue;
    const Type type = entry->d_type == DT_UNKNOWN ? type_in(own, name)
                      : entry->d_type == DT_DIR   ? Type::directory
                      : entry->d_type == DT_REG   ? Type::file
                                                  : Type::other;
    if (type != Type::other) found.emplace_back(name, type);
  }
  ::closedir(directory);
  return found;
}

Result<void> walk_flat(const Fd& root, const Location& location, Mailboxes& mailboxes) {
  for (const auto& [entry, type] : TRY(list(root.get()))) {
    if (type != Type::directory || mailboxes.size() > mailboxes_max) continue;
    const auto name = name_of(entry, location);
    if (name && *name != inbox_name && type_in(root.get(), entry + "/cur") == Type::directory) mailboxes[*name] = true;
  }
  return {};
}

// One level of LAYOUT=fs. `path` is of the directory below the root, with '/' at its end.
Result<void> walk(const Fd& directory, const std::string& path, const Location& location, Mailboxes& mailboxes, std::size_t depth) {
  const bool is_mbox = location.kind == Location::Kind::mbox;
  for (const auto& [entry, type] : TRY(list(directory.get()))) {
    if (mailboxes.size() > mailboxes_max) return {};
    const std::string below = path + entry;
    const auto name = name_of(below, location);
    if (!name || (type == Type::file && (!is_mbox || location.root + "/" + below == location.inbox))) continue;
    if (type == Type::file) {
      mailboxes[*name] = true;
      continue;
    }
    const Fd inner(::openat(directory.get(), entry.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!inner) continue;
    if (*name != inbox_name) mailboxes[*name] = !is_mbox && type_in(inner.get(), "cur") == Type::directory;
    if (depth < name_depth_max) TRY(walk(inner, below + "/", location, mailboxes, depth + 1));
  }
  return {};
}

}  // namespace

Result<std::vector<Found>> find_mailboxes(const Location& location) {
  Mailboxes mailboxes;
  const auto root = open_directory({location.root, {}});
  if (!root && root.error().code() != ENOENT) return base::Failure(root.error());
  if (root) {
    if (location.layout == Location::Layout::maildir_plus_plus) {
      TRY(walk_flat(*root, location, mailboxes));
    } else {
      TRY(walk(*root, "", location, mailboxes, 1));
    }
  }
  const char separator = location.separator();
  Mailboxes parents;
  for (const auto& [name, selectable] : mailboxes) {
    for (std::size_t end = name.rfind(separator); end != std::string::npos && end > 0; end = name.rfind(separator, end - 1)) {
      parents.emplace(name.substr(0, end), false);
    }
  }
  for (const auto& [name, selectable] : parents) mailboxes.emplace(name, name == inbox_name);
  std::vector<Found> found{{std::string(inbox_name), true, parents.contains(inbox_name)}};
  for (const auto& [name, selectable] : mailboxes) {
    if (name != inbox_name) found.push_back({name, selectable, parents.contains(name)});
  }
  return found;
}

Result<Found> find_mailbox(std::string_view name, const Location& location) {
  Found found{std::string(name), name == inbox_name, false};
  if (name != inbox_name) {
    struct stat status {};
    const Place place = places_of(name, location).mail;
    if (location.kind == Location::Kind::maildir) {
      const auto directory = open_directory(place, O_PATH);
      found.selectable = directory && ::fstatat(directory->get(), "cur", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
    } else {
      found.selectable = ::lstat(place.path().c_str(), &status) == 0 && S_ISREG(status.st_mode);
    }
  }
  const std::string prefix = std::string(name) + location.separator();
  for (const Found& other : TRY(find_mailboxes(location))) {
    if (other.name.starts_with(prefix)) found.has_children = true;
    if (other.name == name && location.layout == Location::Layout::fs && !other.selectable) found.has_children = true;
  }
  return found;
}

}  // namespace store
