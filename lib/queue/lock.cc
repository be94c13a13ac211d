#include "lib/queue/lock.h"

#include <cerrno>

#include <fcntl.h>

#include "lib/event/loop.h"

namespace queue {
namespace {

constexpr std::chrono::milliseconds retry_delay{20};

int lock(const Fd& file, int command, struct flock& region, short type = F_WRLCK) {
  region = {};
  region.l_type = type;
  region.l_whence = SEEK_SET;
  return fcntl(file.get(), command, &region);
}

Result<void> set_lock(const Fd& file, short type) {
  struct flock region {};
  if (lock(file, F_OFD_SETLK, region, type) == 0) return {};
  if (errno == EACCES) errno = EAGAIN;
  return base::fail_system("lock queue file");
}

}  // namespace

Result<void> lock_file(const Fd& file) { return set_lock(file, F_WRLCK); }

Result<void> lock_file_shared(const Fd& file) { return set_lock(file, F_RDLCK); }

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
