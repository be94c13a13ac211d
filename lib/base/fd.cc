#include "lib/base/fd.h"

#include <cerrno>

#include <unistd.h>

namespace base {

void Fd::reset(int fd) {
  if (fd_ >= 0) {
    const int saved = errno;  // a destructor must not disturb the error that is being reported
    ::close(fd_);
    errno = saved;
  }
  fd_ = fd;
}

Result<void> Fd::close() {
  const int fd = std::exchange(fd_, -1);
  if (fd >= 0 && ::close(fd) != 0) return fail_system("close");
  return {};
}

}  // namespace base
