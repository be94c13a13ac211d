#include "qmgr/scan.h"

#include <fcntl.h>

namespace qmgr {
namespace {

Stamp stamp(const timespec& time) {
  return Stamp(std::chrono::duration_cast<Stamp::duration>(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)));
}

}  // namespace

Scan::Scan(const queue::Layout& layout, queue::Queue queue, Due due, Stamp began)
    : depth_(layout.is_hashed(queue) ? static_cast<std::size_t>(layout.hash_depth()) : 0), due_(due), began_(began) {
  enter(layout.directory(queue));
}

void Scan::enter(std::string path) {
  std::unique_ptr<DIR, Close> directory(::opendir(path.c_str()));
  if (directory) levels_.push_back({std::move(path), std::move(directory)});
}

bool Scan::is_due(const struct stat& status, Stamp now) const {
  if (!S_ISREG(status.st_mode)) return false;
  if ((status.st_mode & 07777 & queue::mode_complete) != queue::mode_complete) return false;  // still being written
  if (due_ == Due::all) return stamp(status.st_ctim) < began_;
  return Stamp(std::chrono::seconds(status.st_mtime)) <= now;
}

std::vector<queue::QueueId> Scan::next(std::size_t limit) {
  std::vector<queue::QueueId> found;
  const Stamp now = base::system_clock().stamp();
  while (!levels_.empty() && found.size() < limit) {
    const Level& level = levels_.back();
    const dirent* const entry = ::readdir(level.directory.get());
    if (entry == nullptr) {
      levels_.pop_back();
      continue;
    }
    const std::string name = entry->d_name;
    if (name.starts_with('.')) continue;
    if (levels_.size() <= depth_ && name.size() == 1) {
      enter(level.path + name + "/");
      continue;
    }
    auto id = queue::QueueId::parse(name);
    struct stat status {};
    if (!id || ::fstatat(::dirfd(level.directory.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (is_due(status, now)) found.push_back(std::move(*id));
  }
  return found;
}

}  // namespace qmgr
