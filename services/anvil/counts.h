#pragma once
// What anvil counts, in memory only: for each client of each service how many sessions it has and how fast it does
// things. Pure: clocks are passed in, and it does no I/O.

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/ipc/messages/anvil.h"

namespace anvil {

// Clients remembered at most; a new one beyond them is not counted, and so not limited: memory is bounded, and a flood
// from that many addresses is not what counting by address can stop.
inline constexpr std::size_t clients_limit = 200'000;

// The highest numbers since the last report.
struct Peak {
  int value = 0;
  std::string ident;   // "smtp:192.0.2.1"
  Stamp at{};
};
struct Peaks {
  Peak connection_rate, connection_count, message_rate, recipient_rate, new_tls_rate, auth_rate;
  std::size_t cache_size = 0;
  Stamp cache_size_at{};
};

// One line of the log per peak that is not zero: "statistics: max connection rate 3/60s for (smtp:192.0.2.1) at ...".
[[nodiscard]] std::vector<std::string> report(const Peaks& peaks, std::chrono::seconds unit);

class Counts;

// The sessions that one asking process holds: given back when its connection to anvil ends.
class Holder {
 public:
  explicit Holder(Counts& counts) : counts_(counts) {}
  ~Holder();
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  [[nodiscard]] ipc::AnvilAnswer count(const ipc::AnvilRequest& request);

 private:
  Counts& counts_;
  std::map<std::string, int, std::less<>> held_;   // sessions by ident
};

class Counts {
 public:
  Counts(std::chrono::seconds unit, const base::Clock& clock) : unit_(unit), clock_(clock) {}

  // The peaks since the last call.
  [[nodiscard]] Peaks take_peaks();
  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

 private:
  friend class Holder;

  // All rates of a client share one interval, which begins with the first event and is not extended.
  struct ClientCounts {
    int sessions = 0;
    int connections = 0, messages = 0, recipients = 0, new_tls = 0, auths = 0;
    Deadline interval_ends{};
  };

  ClientCounts* find(std::string_view ident);
  ClientCounts* find_or_make(std::string_view ident);
  void forget_idle();
  void note(Peak& peak, int value, std::string_view ident);
  [[nodiscard]] ipc::AnvilAnswer count(ipc::AnvilEvent event, std::string_view ident);
  void release(std::string_view ident, int sessions);

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::chrono::seconds unit_;
  const base::Clock& clock_;
  std::unordered_map<std::string, ClientCounts, Hash, std::equal_to<>> clients_;
  Deadline swept_{};
  Peaks peaks_;
};

}  // namespace anvil
