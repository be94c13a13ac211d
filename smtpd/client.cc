#include "smtpd/client.h"

#include <utility>

#include <fmt/format.h>

namespace smtpd {

Client Client::of(const server::Connection& connection, const Params& params, server::PeerNames& names) {
  Client client{.address = std::string(unknown), .port = std::string(unknown), .ip = {}, .peer = {}, .name_and_address = {}};
  if (connection.peer) {
    client.ip = connection.peer->address;
    client.is_ip = true;
    client.peer = client.ip;
    client.address = client.ip.text();
    client.port = std::to_string(connection.peer->port);
    if (params.smtpd_peername_lookup) {
      server::PeerName found = names.look_up(client.ip);
      client.name = std::move(found.name);
      client.reverse_name = std::move(found.reverse_name);
      client.name_may_come = found.name_may_come;
      client.reverse_name_may_come = found.reverse_name_may_come;
    }
  } else {
    client.name = client.reverse_name = "localhost";   // a UNIX socket: somebody on this machine
    client.address = "127.0.0.1";
  }
  client.name_anew(params);
  return client;
}

void Client::name_anew(const Params& params) {
  name_and_address = params.smtpd_client_port_logging ? fmt::format("{}[{}]:{}", name, address, port)
                                                      : fmt::format("{}[{}]", name, address);
}

void Client::take(const ClientFact& fact) {
  const std::string text = fact.value.value_or(std::string(unknown));
  switch (fact.attribute) {
    case ClientAttribute::name:
      name = text;
      name_may_come = fact.may_come;
      if (fact.value) reverse_name = text;   // until REVERSE_NAME says otherwise
      break;
    case ClientAttribute::reverse_name:
      reverse_name = text;
      reverse_name_may_come = fact.may_come;
      break;
    case ClientAttribute::port: port = text; break;
    case ClientAttribute::address: {
      const auto parsed = io::Address::parse(text);
      is_ip = parsed.has_value();
      ip = parsed.value_or(io::Address());
      address = text;
      break;
    }
    case ClientAttribute::protocol:
    case ClientAttribute::helo:
    case ClientAttribute::login:
    case ClientAttribute::server_address:
    case ClientAttribute::server_port:
    case ClientAttribute::ident:
    case ClientAttribute::source: break;
  }
}

}  // namespace smtpd
