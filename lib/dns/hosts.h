#pragma once
// The hosts file, hosts(5): read whole, before a chroot takes it away.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/io/socket.h"

namespace dns {

inline constexpr std::size_t hosts_file_limit = 4 * 1024 * 1024;  // bytes

class Hosts {
 public:
  // Lines that are not "address name [alias...]" are skipped.
  static Hosts parse(std::string_view text);
  // Addresses in the order of the file; empty when the name is not in it. Names are compared without regard to case.
  [[nodiscard]] const std::vector<io::Address>& addresses(std::string_view name) const;
  // The first name that the file gives the address.
  [[nodiscard]] std::optional<std::string> name(const io::Address& address) const;

 private:
  std::map<std::string, std::vector<io::Address>, std::less<>> addresses_;
  std::map<io::Address, std::string> names_;
};

}  // namespace dns
