#pragma once
// Servers ask anvil(8) to count: how many sessions a client has, and how fast it connects, sends and logs in.

#include "lib/ipc/message.h"

namespace ipc {

enum class AnvilEvent { connect, disconnect, message, recipient, new_tls, new_tls_status, auth, lookup };

struct AnvilRequest {
  AnvilEvent event = AnvilEvent::lookup;
  std::string ident;  // "SERVICE:ADDRESS", as in "smtp:192.0.2.1"; of a user who has logged in "imap:USER/ADDRESS"
  static constexpr auto fields = std::tuple{Field{"request", &AnvilRequest::event}, Field{"ident", &AnvilRequest::ident}};
};
// Counts after the event; rates are per anvil_rate_time_unit. Connections that the asking process holds and does not
// give back are given back when its connection to anvil closes.
struct AnvilAnswer {
  int count = 0;      // sessions now
  int rate = 0;       // of the event that was counted (connect: connections; lookup: connections; new_tls_status: those so far)
  static constexpr auto fields = std::tuple{Field{"count", &AnvilAnswer::count}, Field{"rate", &AnvilAnswer::rate}};
};
struct Anvil {
  using Request = AnvilRequest;
  using Answer = AnvilAnswer;
  static constexpr std::string_view socket = "private/anvil";
  static constexpr std::chrono::seconds timeout{10};
};

}  // namespace ipc
