#include "lib/maps/file_lock.h"

#include <cerrno>
#include <chrono>

#include <sys/file.h>

#include "lib/event/loop.h"

namespace maps {
namespace {

constexpr std::chrono::milliseconds retry_delay{20};

}  // namespace

Result<void> lock_file(int fd, LockMode mode, Deadline deadline) {
  for (;;) {
    if (::flock(fd, (mode == LockMode::shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) return {};
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return base::fail_system("lock");
    if (std::chrono::steady_clock::now() >= deadline) return base::fail("another process holds the lock", EAGAIN);
    event::sleep_until(base::after(retry_delay));
  }
}

void unlock_file(int fd) { static_cast<void>(::flock(fd, LOCK_UN)); }

}  // namespace maps
