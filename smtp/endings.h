#pragma once
// How deliveries by SMTP end, in the words that Postfix's logs have. The one place where those texts are made.

#include <string>
#include <string_view>

#include "lib/delivery/outcome.h"
#include "lib/smtp/reply.h"

namespace smtp {

// The server at the other end of a connection.
struct Peer {
  std::string host;      // name as asked for
  std::string address;   // without brackets; or the path of a socket
  int port = 0;          // 0: a socket has none
  [[nodiscard]] std::string text() const { return host + "[" + address + "]"; }
  [[nodiscard]] std::string relay() const { return port == 0 ? text() : text() + ":" + std::to_string(port); }
};

namespace endings {

// Nobody was reached.
[[nodiscard]] delivery::Delivery failed(mail::Dsn dsn, std::string reason);

// A failure of our own or of the connection, while talking to the peer.
[[nodiscard]] delivery::Delivery at(const Peer& peer, mail::Dsn dsn, std::string reason);
[[nodiscard]] delivery::Delivery lost(const Peer& peer, std::string_view stage);
[[nodiscard]] delivery::Delivery timed_out(const Peer& peer, std::string_view stage);

// The server's own words: before mail was begun, or in reply to a command.
[[nodiscard]] delivery::Delivery refused(const Peer& peer, const ServerReply& reply);
[[nodiscard]] delivery::Delivery said(const Peer& peer, const ServerReply& reply, std::string_view command);
[[nodiscard]] delivery::Delivery sent(const Peer& peer, const ServerReply& reply);

}  // namespace endings
}  // namespace smtp
