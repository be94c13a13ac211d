#pragma once
// How much is told of TLS: the values of *_tls_loglevel.

#include <string_view>

namespace tls {

// Each with all that is before it.
enum class Detail {
  none,
  summary,     // a line for each connection
  steps,       // of the handshake
  handshake,   // its bytes
  session,     // and all that come after it, as they go over the wire
};

struct LogLevel {
  Detail detail = Detail::none;
  bool is_traced = false;   // in a file of its own
  bool operator==(const LogLevel&) const = default;
};

// "1", "2,trace", "routine"; of several words the most counts. One that is none is warned of by the parameter's name, and counts for
// nothing.
[[nodiscard]] LogLevel read_log_level(std::string_view parameter, std::string_view value);

}  // namespace tls
