#pragma once
// Where qmgr(8) wants mail to go: "example.com" (its mail exchangers), "[mail.example.com]" or "[192.0.2.1]" (that host),
// each also with ":port". For LMTP all names are those of hosts, also as "inet:example.com:24", and "unix:path" is a socket.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/idna.h"
#include "lib/config/known_ports.h"
#include "smtp/protocol.h"

namespace smtp {

enum class Lookup { mail_exchangers, host, socket };

struct Destination {
  std::string text;   // as configured, for the log and as a key
  std::string host;   // without brackets, in ASCII form; or the path of a socket
  std::uint16_t port = 0;
  std::string service;      // the port as configured, by which SRV records are looked up; empty: the default
  bool is_bracketed = false;
  bool is_fallback = false;  // of smtp_fallback_relay
  Lookup lookup = Lookup::mail_exchangers;
};

[[nodiscard]] Result<Destination> parse_destination(std::string_view text, std::uint16_t default_port,
                                                    Protocol protocol = Protocol::smtp,
                                                    idna::Rules rules = idna::Rules::idna2008,
                                                    const config::KnownPorts& ports = config::KnownPorts());

// A list with commas or blanks between: tried in order.
[[nodiscard]] Result<std::vector<Destination>> parse_destinations(std::string_view text, std::uint16_t default_port,
                                                                  Protocol protocol = Protocol::smtp,
                                                                  idna::Rules rules = idna::Rules::idna2008,
                                                                  const config::KnownPorts& ports = config::KnownPorts());

}  // namespace smtp
