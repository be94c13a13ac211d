#pragma once
// Who has just logged in, for who opens his mailbox: a ticket is good once, for a few seconds, for the service and the session
// that the login was for. Pure but for the clock and chance.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/base/deadline.h"

namespace authd {

inline constexpr std::size_t tickets_limit = 10'000;   // that wait to be redeemed

// 128 bits by chance, in hexadecimal; empty where the system has none.
[[nodiscard]] std::string random_word();

class Tickets {
 public:
  explicit Tickets(const base::Clock& clock) : clock_(clock) {}

  // None: too many wait, or there is no chance.
  [[nodiscard]] std::optional<std::string> issue(std::string_view user, std::string_view service, std::string_view session);
  // Whose it was. None: there is no such ticket, it is too old, or it was for something else; in each case it is spent.
  [[nodiscard]] std::optional<std::string> redeem(std::string_view ticket, std::string_view service, std::string_view session);

 private:
  struct Ticket {
    std::string user, service, session;
    Deadline until;
  };
  const base::Clock& clock_;
  std::unordered_map<std::string, Ticket> tickets_;
};

}  // namespace authd
