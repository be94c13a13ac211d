#pragma once
// postscreen(8) passes a client on to smtpd(8), over a service of type "pass": one message, behind which smtpd closes the connection
// once it has the client.

#include "lib/ipc/message.h"

namespace ipc {

struct PassedClient {
  std::string client_address, server_address;   // as a proxy in front has said, where there is one
  std::uint16_t client_port = 0, server_port = 0;
  Fd connection;
  static constexpr auto fields =
      std::tuple{Field{"client_address", &PassedClient::client_address}, Field{"client_port", &PassedClient::client_port},
                 Field{"server_address", &PassedClient::server_address}, Field{"server_port", &PassedClient::server_port},
                 Field{"connection", &PassedClient::connection}};
};

inline constexpr std::chrono::seconds pass_timeout{100};

}  // namespace ipc
