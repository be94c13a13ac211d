#pragma once
// postscreen(8) has tlsproxy(8) speak TLS with a client. The request, the answer; once the client has heard that TLS may begin, his
// connection. Then the same connection between the two carries what he says and hears, in plaintext, until one of them closes it: a
// handshake that fails is its end.

#include "lib/ipc/message.h"

namespace ipc {

struct TlsProxyRequest {
  std::string client;                        // as the log names him: "[192.0.2.1]:4711"
  std::chrono::seconds handshake_timeout{};
  static constexpr auto fields =
      std::tuple{Field{"client", &TlsProxyRequest::client}, Field{"handshake_timeout", &TlsProxyRequest::handshake_timeout}};
};

struct TlsProxyAnswer {
  bool is_ready = false;                     // else there is no TLS to be had, and no connection to be sent
  static constexpr auto fields = std::tuple{Field{"is_ready", &TlsProxyAnswer::is_ready}};
};

struct TlsProxyClient {
  Fd connection;
  static constexpr auto fields = std::tuple{Field{"connection", &TlsProxyClient::connection}};
};

inline constexpr std::chrono::seconds tlsproxy_timeout{10};   // for the answer: a client waits

}  // namespace ipc
