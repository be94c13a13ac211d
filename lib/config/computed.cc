#include "lib/config/computed.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"

namespace config {

namespace {

// An address of this machine with the prefix length of its network.
struct Interface {
  int family;
  std::vector<unsigned char> address;
  unsigned prefix;
  bool operator==(const Interface&) const = default;
};

std::vector<unsigned char> bytes_of(const sockaddr* address) {
  std::vector<unsigned char> bytes;
  if (address == nullptr) return bytes;
  if (address->sa_family == AF_INET) {
    bytes.resize(sizeof(in_addr));
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, bytes.size());
  } else if (address->sa_family == AF_INET6) {
    bytes.resize(sizeof(in6_addr));
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, bytes.size());
  }
  return bytes;
}

unsigned prefix_of(const std::vector<unsigned char>& mask) {
  unsigned bits = 0;
  for (const unsigned char byte : mask) bits += static_cast<unsigned>(__builtin_popcount(byte));
  return bits;
}

// IPv4 before IPv6, each in the kernel's order.
Result<std::vector<Interface>> interfaces() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return base::fail_system("getifaddrs");
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  std::vector<Interface> found;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
      if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != family) continue;
      Interface interface{family, bytes_of(entry->ifa_addr), prefix_of(bytes_of(entry->ifa_netmask))};
      if (std::ranges::find(found, interface.address, &Interface::address) == found.end()) {
        found.push_back(std::move(interface));
      }
    }
  }
  return found;
}

// The addresses that one word of inet_interfaces names: an address, with or without brackets, or a host name.
Result<std::vector<Interface>> resolve(std::string_view word) {
  std::string name(word);
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int status = getaddrinfo(name.c_str(), nullptr, &hints, &list); status != 0) {
    return base::fail(fmt::format("config variable inet_interfaces: host not found: {}", word));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  std::vector<Interface> found;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    std::vector<unsigned char> address = bytes_of(entry->ai_addr);
    const unsigned bits = static_cast<unsigned>(address.size()) * 8;
    found.push_back({entry->ai_family, std::move(address), bits});
  }
  return found;
}

// What inet_interfaces and inet_protocols leave of the machine's addresses.
Result<std::vector<Interface>> used_interfaces(const Main& main) {
  const std::string words = TRY(main.expand("inet_interfaces"));
  const std::string protocols = TRY(main.expand("inet_protocols"));
  const std::vector<Interface> all = TRY(interfaces());
  std::vector<Interface> used;
  for (const std::string_view word : ascii::split(words, ", \t\r\n")) {
    if (ascii::equal_ignoring_case(word, "all")) {
      used.insert(used.end(), all.begin(), all.end());
    } else if (ascii::equal_ignoring_case(word, "loopback-only")) {
      for (const Interface& one : all) {
        const in6_addr loopback = in6addr_loopback;
        const bool is_loopback = one.family == AF_INET ? one.address[0] == 127
                                                       : std::memcmp(one.address.data(), &loopback, sizeof loopback) == 0;
        if (is_loopback) used.push_back(one);
      }
    } else {
      for (Interface& named : TRY(resolve(word))) {
        const auto own = std::ranges::find(all, named.address, &Interface::address);
        if (own != all.end()) named.prefix = own->prefix;
        used.push_back(std::move(named));
      }
    }
  }
  const auto is_off = [&](const Interface& one) {
    const std::string_view needed = one.family == AF_INET ? "ipv4" : "ipv6";
    for (const std::string_view word : ascii::split(protocols, ", \t\r\n")) {
      if (word == "all" || word == needed) return false;
    }
    return true;
  };
  std::erase_if(used, is_off);
  return used;
}

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
    return base::fail(fmt::format("unknown mynetworks_style value: {}", style));
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
