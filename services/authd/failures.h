#pragma once
// Who tries passwords: failed logins by client address, for the whole suite, and how long an address has to wait. Pure.

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/base/deadline.h"

namespace authd {

// Addresses remembered at most. Beyond them the oldest go: a flood from that many is not what counting by address stops.
inline constexpr std::size_t addresses_limit = 100'000;
// Logins of one address that are under way or wait. A client has one or two; who guesses gains nothing by many at once.
inline constexpr int logins_limit = 20;

class Failures {
 public:
  Failures(std::chrono::seconds first, std::chrono::seconds longest, const base::Clock& clock)
      : first_(first), longest_(longest), clock_(clock) {}

  // A login from there begins; false: too many are under way. Each true wants an ended().
  [[nodiscard]] bool begin(std::string_view address);
  void end(std::string_view address);

  void failed(std::string_view address);
  // Failures that are not forgotten yet.
  [[nodiscard]] int count(std::string_view address) const;
  // What the next login from there waits before it is looked at.
  [[nodiscard]] std::chrono::seconds wait(std::string_view address) const;

 private:
  static constexpr std::chrono::seconds memory{60};   // of one failure

  struct Client {
    int failures = 0, under_way = 0;
    Deadline since{};   // of the last failure
  };
  // The address, or its network.
  static std::string key_of(std::string_view address);
  [[nodiscard]] int left(const Client& client) const;
  void make_room();

  std::chrono::seconds first_, longest_;
  const base::Clock& clock_;
  std::unordered_map<std::string, Client> clients_;
};

}  // namespace authd
