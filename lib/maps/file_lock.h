#pragma once
// Whole-file locks as postmap and the daemons hold them on a table (fcntl; by open description, so that closing another
// descriptor of the file does not drop them).

#include "lib/base/deadline.h"
#include "lib/base/error.h"

namespace maps {

enum class LockMode { shared, exclusive };

// Parks until the lock is there; the error's code is EAGAIN at the deadline.
[[nodiscard]] Result<void> lock_file(int fd, LockMode mode, Deadline deadline);
void unlock_file(int fd);

}  // namespace maps
