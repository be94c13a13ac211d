#include "smtpd/upstream_proxy.h"

#include <fmt/format.h>

#include "lib/log/log.h"
#include "lib/smtp/proxy_header.h"
#include "smtpd/client.h"
#include "smtpd/counters.h"

namespace smtpd {
namespace {

void refuse(Server& server, server::Connection& connection) {
  const Params& params = server.snapshot(connection.stressed).params;
  const Client client = Client::of(connection, params, server.peer_names());
  maillog::info("connect from {}", client.name_and_address);
  const Deadline deadline = base::after(params.smtpd_upstream_proxy_timeout);
  connection.stream.write(Reply(421, fmt::format("4.3.0 {} Server local error", params.myhostname)).wire(), deadline);
  static_cast<void>(connection.stream.flush(deadline));
  maillog::info("disconnect from {}{}", client.name_and_address, Counters().text([](std::size_t) { return std::string_view(); }));
}

}  // namespace

bool take_proxy_header(Server& server, server::Connection& connection) {
  const Params& params = server.snapshot(connection.stressed).params;
  const auto header = smtp::take_proxy_header(connection.stream.fd(), dns::families_of(params.inet_protocols),
                                              base::after(params.smtpd_upstream_proxy_timeout), "timeout error");
  if (!header) {
    maillog::warning("haproxy read: {}", header.error());
    refuse(server, connection);
    return false;
  }
  if (!header->client) return true;
  connection.peer = header->client;
  connection.local = header->server;
  return true;
}

}  // namespace smtpd
