#pragma once
// Is there room for one more message in the queue's file system?

#include <cstdint>
#include <optional>
#include <string>

namespace smtpd {

// What to warn of when less than `minfree` bytes (and the message of `size`) would be left, or less than one and a half
// times `message_size_limit`; else nothing. Looks at our working directory, the queue directory.
[[nodiscard]] std::optional<std::string> missing_queue_space(long minfree, long message_size_limit, std::uint64_t size);

}  // namespace smtpd
