#pragma once
// The ticket keys of each service: one that seals, and the one before it, whose tickets are still good. In memory only.

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/tls/tickets.h"

namespace tlsmgr {

// Services remembered at most; master.cf has fewer.
inline constexpr std::size_t services_limit = 1000;

class TicketRings {
 public:
  explicit TicketRings(const base::Clock& clock) : clock_(clock) {}

  struct Keys {
    std::vector<tls::TicketKey> keys;      // the first seals
    std::chrono::seconds fresh_for{};      // at least 1
  };
  // A key seals for the lifetime of a ticket, and opens for as long again. The error: no randomness, or too many services.
  [[nodiscard]] Result<Keys> of(std::string_view service, std::chrono::seconds lifetime);

 private:
  struct Ring {
    std::vector<tls::TicketKey> keys;
    Deadline made{};                       // the first
    std::chrono::seconds lifetime{};
  };

  const base::Clock& clock_;
  std::map<std::string, Ring, std::less<>> rings_;
};

}  // namespace tlsmgr
