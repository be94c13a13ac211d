#include "qmgr/scan.h"

#include <memory>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace qmgr {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

bool is_due(int directory, const char* name, Due due, Stamp now) {
  struct stat status {};
  if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) return false;
  if ((status.st_mode & 07777 & queue::mode_complete) != queue::mode_complete) return false;  // still being written
  return due == Due::all || Stamp(std::chrono::seconds(status.st_mtime)) <= now;
}

// `depth` levels of hash directories may be below `path`.
void scan_directory(const std::string& path, int depth, Due due, Stamp now, std::size_t limit, Scanned& found) {
  const Directory directory(::opendir(path.c_str()));
  if (!directory) return;
  while (const dirent* const entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name.starts_with('.')) continue;
    if (depth > 0 && name.size() == 1) {
      scan_directory(path + name + "/", depth - 1, due, now, limit, found);
      continue;
    }
    const auto id = queue::QueueId::parse(name);
    if (!id || !is_due(::dirfd(directory.get()), entry->d_name, due, now)) continue;
    if (found.ids.size() >= limit) {
      found.more = true;
      return;
    }
    found.ids.push_back(*id);
  }
}

}  // namespace

Scanned scan(const queue::Layout& layout, queue::Queue queue, Due due, Stamp now, std::size_t limit) {
  Scanned found;
  scan_directory(layout.directory(queue), layout.is_hashed(queue) ? layout.hash_depth() : 0, due, now, limit, found);
  return found;
}

}  // namespace qmgr
