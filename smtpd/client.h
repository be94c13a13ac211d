#pragma once
// Who is at the other end of the connection, as the log, the policies and the Received: header name him.

#include <optional>
#include <string>

#include "lib/io/socket.h"
#include "lib/server/peer_name.h"
#include "lib/server/service.h"

#include "smtpd/client_attributes.h"
#include "smtpd/smtpd_params.h"

namespace smtpd {

struct Client {
  // Looks his name up; parks.
  [[nodiscard]] static Client of(const server::Connection& connection, const Params& params, server::PeerNames& names);

  static constexpr std::string_view unknown = "unknown";   // a name, an address or a port that nobody knows, as everybody writes it

  std::string name{unknown};              // host name, confirmed forward and backward
  std::string reverse_name{unknown};      // what the PTR record says, not confirmed
  bool name_may_come = false, reverse_name_may_come = false;   // nobody could say, now
  std::string address;                    // "192.0.2.1", "2001:db8::1"; unknown for a UNIX socket
  std::string port;                       // "12345"
  io::Address ip;                         // as `address`, for lists of networks
  bool is_ip = false;
  std::optional<io::Address> peer;        // who is connected, when he speaks for another too; none for a UNIX socket

  // "name[address]", or with smtpd_client_port_logging "name[address]:port". Built once: every log line has it.
  std::string name_and_address;

  // XCLIENT: one of NAME, REVERSE_NAME, ADDR, PORT. After them name_anew().
  void take(const ClientFact& fact);
  void name_anew(const Params& params);

  // As in the Received: header and in log_client_address: "192.0.2.1" or "IPv6:2001:db8::1" (RFC 5321 section 4.1.3).
  [[nodiscard]] std::string address_literal() const { return is_ip && ip.is_v6() ? "IPv6:" + address : address; }
};

}  // namespace smtpd
