#pragma once
// postscreen(8) asks dnsblog(8) for the addresses that a DNS list has of a client.

#include "lib/ipc/message.h"

namespace ipc {

struct DnsblogRequest {
  std::string list, client_address;   // "zen.example.com", "192.0.2.1"
  static constexpr auto fields =
      std::tuple{Field{"rbl_domain", &DnsblogRequest::list}, Field{"client_address", &DnsblogRequest::client_address}};
};
// No address: not listed, or the list could not be asked.
struct DnsblogAnswer {
  std::vector<std::string> addresses;
  std::chrono::seconds ttl{0};        // how long this may be believed; 0 when nobody said
  static constexpr auto fields = std::tuple{Field{"rbl_addr", &DnsblogAnswer::addresses}, Field{"ttl", &DnsblogAnswer::ttl}};
};
struct Dnsblog {
  using Request = DnsblogRequest;
  using Answer = DnsblogAnswer;
  static constexpr std::string_view socket = "private/dnsblog";
  static constexpr std::chrono::seconds timeout{100};
};

}  // namespace ipc
