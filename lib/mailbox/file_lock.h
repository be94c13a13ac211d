#pragma once
// The lock on an open mailbox file itself: fcntl (as an open file description lock, which conflicts with other programs'
// POSIX locks but is not lost when some other descriptor of the file is closed) and flock.

#include <functional>

#include "lib/base/fd.h"
#include "lib/mailbox/lock_method.h"

namespace mailbox {

// Blocks until the file is locked, for as long as the patience lasts. The locks end with the description. EAGAIN:
// somebody else kept it.
[[nodiscard]] Result<void> lock_mailbox(const Fd& file, LockMethods methods, const LockPatience& patience);

// Calls `attempt` until it says yes or the patience ends, at least once: soon again at first, since most deliveries take
// milliseconds, then more rarely. False when it never said yes.
[[nodiscard]] bool persist(const LockPatience& patience, const std::function<bool()>& attempt);

}  // namespace mailbox
