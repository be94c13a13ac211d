#pragma once

#include <string_view>

namespace postdrop {

// Tells pickup(8) that there is something in maildrop/. While the mail system is stopped (nobody listens) the message
// just waits for the next start; when the socket itself is missing or out of reach, that is worth a warning. `service` is
// its name in public/ of the working directory.
void wake_pickup(std::string_view service);

}  // namespace postdrop
