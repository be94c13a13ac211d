#pragma once
// Where a source connects to and a sink listens: "[inet:]host[:port]" or "unix:path".

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/io/socket.h"

namespace load {

enum class Families { any, ipv4, ipv6 };

struct Target {
  std::string path;                      // of a UNIX socket, else empty
  std::vector<io::Endpoint> endpoints;   // else all addresses of the host

  // The host to connect to; without a port that of the service.
  static Result<Target> to_connect(std::string_view text, std::string_view default_service, Families families);
  // ":port" means every address of this machine. A port is needed.
  static Result<Target> to_listen(std::string_view text, Families families);
};

// TCP buffers of this size instead of the system's; none: unchanged.
using Window = std::optional<int>;

// Connects to the first address that answers; parks.
[[nodiscard]] Result<Fd> connect(const Target& target, Window window, Deadline deadline);

// One listener for each address.
[[nodiscard]] Result<std::vector<Fd>> listen(const Target& target, Window window, int backlog);

}  // namespace load
