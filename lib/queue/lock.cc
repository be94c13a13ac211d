#include "lib/queue/lock.h"

#include <cerrno>

#include <fcntl.h>

#include "lib/event/loop.h"

namespace queue {
namespace {

constexpr std::chrono::milliseconds retry_delay{20};

int lock(const Fd& file, int command, struct flock& region) {
  region = {};
  region.l_type = F_WRLCK;
  region.l_whence = SEEK_SET;
  return fcntl(file.get(), command, &region);
}

}  // namespace

Result<void> lock_file(const Fd& file) {
  struct flock region {};
  if (lock(file, F_OFD_SETLK, region) == 0) return {};
  if (errno == EACCES) errno = EAGAIN;
  return base::fail_system("lock queue file");
}

Result<void> lock_file(const Fd& file, Deadline deadline) {
  for (;;) {
    auto locked = lock_file(file);
    const Deadline next = base::after(retry_delay);
    if (locked || locked.error().code() != EAGAIN || next >= deadline) return locked;
    event::sleep_until(next);
  }
}

bool is_locked(const Fd& file) {
  struct flock region {};
  return lock(file, F_OFD_GETLK, region) == 0 && region.l_type != F_UNLCK;
}

}  // namespace queue
