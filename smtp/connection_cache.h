#pragma once
// Connections that were kept open after a delivery, because more mail for the same destination waits. They are idle, so
// they are given up after a short time.

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/event/loop.h"
#include "smtp/connection.h"

namespace smtp {

struct CacheLimits {
  std::chrono::seconds idle{2};     // smtp_connection_cache_time_limit
  std::chrono::seconds age{300};    // smtp_connection_reuse_time_limit, from the start of the session
  int uses = 0;                     // after the first: smtp_connection_reuse_count_limit; 0 is without limit
};

class ConnectionCache {
 public:
  explicit ConnectionCache(CacheLimits limits) : limits_(limits) {}
  ConnectionCache(const ConnectionCache&) = delete;
  ConnectionCache& operator=(const ConnectionCache&) = delete;

  [[nodiscard]] bool is_empty() const { return idle_.empty(); }
  // One that is still there. `destination` is what the asker makes of it, and of how he talks to it.
  [[nodiscard]] std::optional<Connection> take(std::string_view destination);
  // At rest, after RSET where that was needed. Closed at once when it may not be used again.
  void keep(const std::string& destination, Connection connection);
  // Says goodbye to all.
  void close_all();

 private:
  struct Idle {
    Connection connection;
    std::unique_ptr<event::Loop::Watch> expiry;
  };
  std::map<std::string, std::list<Idle>, std::less<>> idle_;
  CacheLimits limits_;
};

}  // namespace smtp
