#include "lib/maps/file_lock.h"

#include <cerrno>
#include <chrono>

#include <fcntl.h>

#include "lib/event/loop.h"

namespace maps {
namespace {

constexpr std::chrono::milliseconds retry_delay{20};

struct flock whole_file(int type) {
  struct flock lock{};
  lock.l_type = static_cast<short>(type);
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

Result<void> lock_file(int fd, LockMode mode, Deadline deadline) {
  for (;;) {
    struct flock lock = whole_file(mode == LockMode::shared ? F_RDLCK : F_WRLCK);
    if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return {};
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EACCES) return base::fail_system("lock");
    if (std::chrono::steady_clock::now() >= deadline) return base::fail("another process holds the lock", EAGAIN);
    event::sleep_until(base::after(retry_delay));
  }
}

void unlock_file(int fd) {
  struct flock lock = whole_file(F_UNLCK);
  static_cast<void>(::fcntl(fd, F_OFD_SETLK, &lock));
}

}  // namespace maps
