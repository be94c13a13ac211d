#include "smtpd/own_addresses.h"

#include <memory>
#include <string>

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>

#include "lib/base/ascii.h"

namespace smtpd {
namespace {

io::Address address_of(const sockaddr* from) {
  sockaddr_storage storage{};
  const std::size_t size = from->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  const auto* bytes = reinterpret_cast<const unsigned char*>(from);
  std::copy(bytes, bytes + size, reinterpret_cast<unsigned char*>(&storage));
  return io::Address::from(storage);
}

bool is_inet(const sockaddr* address) {
  return address != nullptr && (address->sa_family == AF_INET || address->sa_family == AF_INET6);
}

Result<void> add_interfaces(bool loopback_only, std::vector<io::Address>& out) {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return base::fail_system("getifaddrs");
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> list(first, &freeifaddrs);
  for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
    if (!is_inet(at->ifa_addr)) continue;
    if (loopback_only && (at->ifa_flags & IFF_LOOPBACK) == 0) continue;
    out.push_back(address_of(at->ifa_addr));
  }
  return {};
}

Result<void> add_host(const std::string& name, std::vector<io::Address>& out) {
  if (auto address = io::Address::parse(name)) {
    out.push_back(*address);
    return {};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  if (const int error = getaddrinfo(name.c_str(), nullptr, &hints, &first); error != 0) {
    return base::fail("inet_interfaces: host not found: " + name + ": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(first, &freeaddrinfo);
  for (const addrinfo* at = first; at != nullptr; at = at->ai_next) {
    if (is_inet(at->ai_addr)) out.push_back(address_of(at->ai_addr));
  }
  return {};
}

}  // namespace

Result<std::vector<io::Address>> own_addresses(std::string_view inet_interfaces) {
  std::vector<io::Address> out;
  for (std::string_view item : ascii::split(inet_interfaces, ", \t\r\n")) {
    if (item.size() > 2 && item.front() == '[' && item.back() == ']') item = item.substr(1, item.size() - 2);
    if (item == "all") TRY(add_interfaces(false, out));
    else if (item == "loopback-only") TRY(add_interfaces(true, out));
    else TRY(add_host(std::string(item), out));
  }
  return out;
}

}  // namespace smtpd
