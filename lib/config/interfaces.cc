#include "lib/config/interfaces.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"

namespace config {
namespace {

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

// The addresses that one word of a list of interfaces names: an address, with or without brackets, or a host name.
Result<std::vector<Interface>> resolve(std::string_view parameter, std::string_view word) {
  std::string name(word);
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int status = getaddrinfo(name.c_str(), nullptr, &hints, &list); status != 0) {
    return base::fail(fmt::format("config variable {}: host not found: {}", parameter, word));
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

}  // namespace

std::string Interface::text() const {
  std::array<char, INET6_ADDRSTRLEN> out{};
  inet_ntop(family, address.data(), out.data(), out.size());
  return out.data();
}

Result<std::vector<Interface>> used_interfaces(const Main& main) {
  const std::string words = TRY(main.expand("inet_interfaces"));
  const std::string protocols = TRY(main.expand("inet_protocols"));
  for (const std::string_view word : ascii::split(protocols, ", \t\r\n")) {
    if (word == "all" || word == "ipv4" || word == "ipv6") continue;
    return base::fail(fmt::format("unknown inet_protocols value \"{}\" in \"{}\"", word, protocols));
  }
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
      for (Interface& named : TRY(resolve("inet_interfaces", word))) {
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

Result<std::vector<std::string>> own_addresses(const Main& main) {
  std::vector<std::string> texts;
  for (const Interface& one : TRY(used_interfaces(main))) texts.push_back(one.text());
  const std::string proxies = TRY(main.expand("proxy_interfaces"));
  for (const std::string_view word : ascii::split(proxies, ", \t\r\n")) {
    for (const Interface& one : TRY(resolve("proxy_interfaces", word))) texts.push_back(one.text());
  }
  return texts;
}

}  // namespace config
