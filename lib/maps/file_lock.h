#pragma once
// Locks as Postfix's postmap and daemons hold them on a table: flock(2), which belongs to an open file description, so that
// closing another descriptor of the file does not drop it.

#include "lib/base/deadline.h"
#include "lib/base/error.h"

namespace maps {

enum class LockMode { shared, exclusive };

// Parks until the lock is there; the error's code is EAGAIN at the deadline.
[[nodiscard]] Result<void> lock_file(int fd, LockMode mode, Deadline deadline);
void unlock_file(int fd);

}  // namespace maps
