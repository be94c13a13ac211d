#pragma once
// Is there room for one more message in the queue's file system?

#include <cstdint>

namespace smtpd {

// False when less than `minfree` bytes (and the message of `size`) would be left, or less than one and a half times
// `message_size_limit`. Logs a warning then. Looks at our working directory, the queue directory.
[[nodiscard]] bool has_queue_space(long minfree, long message_size_limit, std::uint64_t size);

}  // namespace smtpd
