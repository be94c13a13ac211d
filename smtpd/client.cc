#include "smtpd/client.h"

#include <utility>

#include <fmt/format.h>

namespace smtpd {

Client Client::of(const server::Connection& connection, const Params& params, server::PeerNames& names) {
  Client client{.address = "unknown", .port = "unknown", .ip = {}, .name_and_address = {}};
  if (connection.peer) {
    client.ip = connection.peer->address;
    client.is_ip = true;
    client.address = client.ip.text();
    client.port = std::to_string(connection.peer->port);
    if (params.smtpd_peername_lookup) {
      server::PeerName found = names.look_up(client.ip);
      client.name = std::move(found.name);
      client.reverse_name = std::move(found.reverse_name);
    }
  } else {
    client.name = client.reverse_name = "localhost";   // a UNIX socket: somebody on this machine
    client.address = "127.0.0.1";
  }
  client.name_and_address = params.smtpd_client_port_logging
                                ? fmt::format("{}[{}]:{}", client.name, client.address, client.port)
                                : fmt::format("{}[{}]", client.name, client.address);
  return client;
}

}  // namespace smtpd
