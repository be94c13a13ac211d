#pragma once

#include <sys/types.h>

namespace server {

inline constexpr uid_t unknown_sender = static_cast<uid_t>(-1);  // it was sent before there was a process to hear it

// The account of who has sent the datagram that Service::datagram() has just been given; as the kernel says.
[[nodiscard]] uid_t datagram_sender();

}  // namespace server
