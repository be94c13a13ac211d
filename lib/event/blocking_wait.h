#pragma once
// The wait of code without a loop. Internal to lib/event.

#include <span>

#include <poll.h>

#include "lib/base/deadline.h"

namespace event {

// poll(2) until something is ready, with its result, or 0 at the deadline; signals do not end it. -1: errno.
int poll_until(std::span<::pollfd> fds, Deadline deadline);

}  // namespace event
