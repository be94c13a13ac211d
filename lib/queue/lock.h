#pragma once
// Locks on queue files and logs: advisory, for the whole file, held by an open file description (F_OFD_SETLK), so that
// closing some other descriptor of the file does not drop them. They end when the description is closed.

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace queue {

// Exclusive. Does not wait: an Error with code EAGAIN when another has it.
[[nodiscard]] Result<void> lock_file(const Fd& file);

// Waits for the lock until the deadline (tries again; a fiber parks meanwhile).
[[nodiscard]] Result<void> lock_file(const Fd& file, Deadline deadline);

// Shared, for as long as this description is open in any process that it was passed to. Does not wait.
[[nodiscard]] Result<void> lock_file_shared(const Fd& file);

// Some other description holds a lock, exclusive or shared.
[[nodiscard]] bool is_locked(const Fd& file);

}  // namespace queue
