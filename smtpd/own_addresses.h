#pragma once
// The addresses at which this machine receives mail: inet_interfaces (and proxy_interfaces, which other programs know).

#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/io/socket.h"

namespace smtpd {

// "all", "loopback-only", or names and addresses. Blocks on host names: before the first session only.
[[nodiscard]] Result<std::vector<io::Address>> own_addresses(std::string_view inet_interfaces);

}  // namespace smtpd
