#pragma once

#include <chrono>
#include <string_view>

namespace postdrop {

// Tells pickup(8) that there is something in maildrop/. When it is not there the message waits for the next start: a
// warning. `service` is its name in public/ of the working directory.
void wake_pickup(std::string_view service, std::chrono::seconds timeout);

}  // namespace postdrop
