#include "qmgr/scan.h"

#include <fcntl.h>

namespace qmgr {
namespace {

// A batch takes some time, in which others are put back.
constexpr std::chrono::minutes batch_time{1};

Stamp stamp(const timespec& time) {
  return Stamp(std::chrono::duration_cast<Stamp::duration>(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)));
}

}  // namespace

Scan::Scan(const queue::Layout& layout, queue::Queue queue, const Scope& scope)
    : depth_(layout.is_hashed(queue) ? static_cast<std::size_t>(layout.hash_depth()) : 0), scope_(scope) {
  enter(layout.directory(queue));
}

void Scan::enter(std::string path) {
  std::unique_ptr<DIR, Close> directory(::opendir(path.c_str()));
  if (directory) levels_.push_back({std::move(path), std::move(directory)});
}

bool Scan::is_due(const struct stat& status, Stamp now) const {
  if (!S_ISREG(status.st_mode)) return false;
  if ((status.st_mode & 07777 & queue::mode_complete) != queue::mode_complete) return false;  // still being written
  if (scope_.due == Due::all) {
    const Stamp changed = stamp(status.st_ctim);
    return changed < scope_.began || changed > now + batch_time;  // in the future: by a clock that was wrong
  }
  const Stamp next_try(std::chrono::seconds(status.st_mtime));
  return next_try <= now || next_try > now + scope_.longest_wait + batch_time;
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
