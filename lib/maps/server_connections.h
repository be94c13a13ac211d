#pragma once
// Connections to a server outside of the suite that answers lookups (tcp, socketmap). They are kept between lookups, as
// many as fibers asked at once.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/io/stream.h"

namespace maps {

// Where the server is. A UNIX socket has a path only; host and service are a name or address and a name or number.
struct ServerAddress {
  std::string text;  // as written, for the log
  std::string host, service;
  std::string path;
  // "host:port", "[address]:port", ":port" and "port" (this machine). The error is the reference's.
  static Result<ServerAddress> parse_inet(std::string_view text);
  // "unix:path", or "inet:" and what parse_inet takes. None where neither word stands before it. `text` is what stands behind it.
  static Result<std::optional<ServerAddress>> parse_transport(std::string_view text);
  // This machine by itself: no host, or localhost, which is what it is without asking (RFC 6761 section 6.3).
  [[nodiscard]] bool is_here() const;
};

// How long a connection is kept.
struct ServerLifetime {
  std::chrono::seconds idle;
  std::chrono::seconds total;
};

class ServerConnections {
 public:
  ServerConnections(ServerAddress address, ServerLifetime lifetime) : address_(std::move(address)), lifetime_(lifetime) {}

  struct Connection {
    io::Stream stream;
    Deadline made;
    Deadline idle_since;
    bool is_reused;
    int answers = 0;   // that have come over it
  };
  // One that is at rest, or a new one. The error's text is the reason alone; its code is the errno.
  [[nodiscard]] Result<Connection> take(Deadline deadline);
  // For the next lookup: only after a whole answer.
  void keep(Connection connection);

  [[nodiscard]] const std::string& name() const { return address_.text; }

 private:
  ServerAddress address_;
  ServerLifetime lifetime_;
  std::vector<Connection> idle_;
};

}  // namespace maps
