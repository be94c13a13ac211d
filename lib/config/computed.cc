#include "lib/config/computed.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/config/interfaces.h"
#include "lib/config/main_cf.h"

namespace config {

namespace {

// Before there were prefix lengths, the first bits of an IPv4 address told how long its network part was.
unsigned class_prefix(const Interface& one) {
  if (one.family == AF_INET6) return one.prefix;
  if (one.address[0] < 128) return 8;
  if (one.address[0] < 192) return 16;
  if (one.address[0] < 224) return 24;
  return 32;
}

std::string network_text(const Interface& one, unsigned prefix) {
  std::vector<unsigned char> network = one.address;
  for (unsigned bit = prefix; bit < network.size() * 8; ++bit) {
    network[bit / 8] = static_cast<unsigned char>(network[bit / 8] & ~(0x80U >> (bit % 8)));
  }
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(one.family, network.data(), text, sizeof text);
  return one.family == AF_INET ? fmt::format("{}/{}", text, prefix) : fmt::format("[{}]/{}", text, prefix);
}

}  // namespace

std::string computed_hostname(const Main& main) {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost.localdomain";
  std::string host(name);
  if (host.find('.') != std::string::npos) return host;
  std::string domain = "localdomain";
  if (main.find("mydomain") != nullptr) {
    // A loop through myhostname cannot be: mydomain is set, so this does not come back here.
    if (auto set = main.expand("mydomain"); set && !set->empty()) domain = std::move(*set);
  }
  return host + '.' + domain;
}

Result<std::string> computed_domain(const Main& main) {
  const std::string host = TRY(main.expand("myhostname"));
  const std::size_t dot = host.find('.');
  if (dot == std::string::npos || dot + 1 == host.size()) return std::string("localdomain");
  return host.substr(dot + 1);
}

Result<std::string> computed_networks(const Main& main) {
  const std::string style = TRY(main.expand("mynetworks_style"));
  if (style != "host" && style != "subnet" && style != "class") {
    return base::fail(fmt::format("unknown mynetworks mask style value \"{}\" in \"{}\"", style, style));
  }
  std::vector<std::string> networks;
  for (const Interface& one : TRY(used_interfaces(main))) {
    const unsigned bits = static_cast<unsigned>(one.address.size()) * 8;
    std::string text = network_text(one, style == "host" ? bits : style == "class" ? class_prefix(one) : one.prefix);
    if (std::ranges::find(networks, text) == networks.end()) networks.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(networks, " "));
}

}  // namespace config
