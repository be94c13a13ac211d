#include "smtp/destination.h"

#include "lib/base/ascii.h"

namespace smtp {

Result<Destination> parse_destination(std::string_view text, std::uint16_t default_port, Protocol protocol,
                                      idna::Rules rules, const config::KnownPorts& ports) {
  constexpr std::string_view socket_prefix = "unix:", host_prefix = "inet:";
  Destination destination;
  destination.text = text;
  if (protocol == Protocol::lmtp) {
    destination.lookup = Lookup::host;
    if (text.starts_with(socket_prefix)) {
      destination.lookup = Lookup::socket;
      destination.host = text.substr(socket_prefix.size());
      if (destination.host.empty()) return base::fail("empty path in destination: " + destination.text);
      return destination;
    }
    if (text.starts_with(host_prefix)) text.remove_prefix(host_prefix.size());
  }
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return base::fail("missing ']' in destination: " + std::string(text));
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && port[0] != ':') return base::fail("garbage after ']' in destination: " + std::string(text));
    if (ascii::starts_with_ignoring_case(host, "ipv6:")) host.remove_prefix(5);
    destination.lookup = Lookup::host;
    destination.is_bracketed = true;
  } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return base::fail("empty host name in destination: " + std::string(text));
  destination.host = TRY(idna::to_ascii(host, rules));
  if (port.size() > 1) destination.service = port.substr(1);
  destination.port = port.size() > 1 ? TRY(ports.port(port.substr(1))) : default_port;
  if (destination.port == 0) return base::fail("unknown service: 0/tcp");
  return destination;
}

Result<std::vector<Destination>> parse_destinations(std::string_view text, std::uint16_t default_port, Protocol protocol,
                                                    idna::Rules rules, const config::KnownPorts& ports) {
  std::vector<Destination> destinations;
  for (const std::string_view each : ascii::split(text, ", \t\r\n")) {
    destinations.push_back(TRY(parse_destination(each, default_port, protocol, rules, ports)));
  }
  return destinations;
}

}  // namespace smtp
