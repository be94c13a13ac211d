#pragma once
// The addresses under which this machine is reached. They may ask the resolver: for start-up.

#include <string>
#include <vector>

#include "lib/base/error.h"

namespace config {

class Main;

// An address of this machine with the prefix length of its network.
struct Interface {
  int family;                          // AF_INET or AF_INET6
  std::vector<unsigned char> address;  // network order
  unsigned prefix;
  bool operator==(const Interface&) const = default;
  [[nodiscard]] std::string text() const;  // without brackets
};

// What inet_interfaces and inet_protocols leave of the machine's addresses.
[[nodiscard]] Result<std::vector<Interface>> used_interfaces(const Main& main);

// Those, and the addresses of proxy_interfaces, as text: mail for user@[address] is ours.
[[nodiscard]] Result<std::vector<std::string>> own_addresses(const Main& main);

}  // namespace config
