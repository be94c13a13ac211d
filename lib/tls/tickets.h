#pragma once
// The keys under which a server's session tickets are sealed (RFC 5077; RFC 8446 section 4.6.1): what a process knows of
// those that all processes of its service share. Whoever has a key can read sessions that its tickets began, where these have
// no forward secrecy: so keys are never on disk and do not live long.

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"

namespace tls {

// Wiped when it goes.
struct TicketKey {
  static constexpr std::size_t name_size = 16, secret_size = 32;
  std::array<unsigned char, name_size> name{};
  std::array<unsigned char, secret_size> cipher_key{}, mac_key{};

  TicketKey() = default;
  TicketKey(const TicketKey&) = default;
  TicketKey& operator=(const TicketKey&) = default;
  ~TicketKey();
};

class TicketKeys {
 public:
  // A ticket's lifetime; 0: there are none.
  explicit TicketKeys(std::chrono::seconds lifetime) : lifetime_(lifetime) {}

  // Whether it is time to ask for keys. True but once within some seconds: of the sessions that begin meanwhile the others do not
  // wait for the answer, nor does each of them ask when nobody answers.
  [[nodiscard]] bool are_due(Deadline now);
  // The answer: the first seals new tickets for `fresh_for`, and opens them as the others do.
  void take(std::span<const TicketKey> keys, std::chrono::seconds fresh_for, Deadline now);

  // Null: no tickets are given out now.
  [[nodiscard]] const TicketKey* sealing(Deadline now) const;
  // Null: unknown. Then the keys are asked for again before long: those that gave it out may be younger than ours.
  [[nodiscard]] const TicketKey* opening(std::span<const unsigned char, TicketKey::name_size> name, Deadline now);

  [[nodiscard]] std::chrono::seconds lifetime() const { return lifetime_; }

 private:
  // Current and previous.
  static constexpr std::size_t keys_limit = 2;

  std::chrono::seconds lifetime_;
  std::array<std::optional<TicketKey>, keys_limit> keys_;
  Deadline taken_{}, fresh_until_{}, next_question_{};
};

}  // namespace tls
