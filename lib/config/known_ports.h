#pragma once
// Names of services with their TCP ports: those of known_tcp_ports, which need no file, and then services(5).

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace config {

class KnownPorts {
 public:
  // "lmtp=24, smtps=submissions=465". What is no such entry is left out, and told by problems().
  explicit KnownPorts(std::string_view list = {});

  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  // A port number, or a service's name: "unknown service: x/tcp" when nobody knows it.
  [[nodiscard]] Result<std::uint16_t> port(std::string_view text) const;

 private:
  // What is wrong with it; empty when it was taken.
  [[nodiscard]] std::string_view add(std::string_view entry);

  std::map<std::string, std::uint16_t, std::less<>> ports_;
  std::vector<std::string> problems_;
};

}  // namespace config
