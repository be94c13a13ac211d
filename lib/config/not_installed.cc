#include "lib/config/not_installed.h"

#include <fmt/core.h>

#include <unistd.h>

namespace config {

std::vector<std::string> not_installed(std::string_view daemon_directory, std::span<const MasterEntry> services) {
  std::vector<std::string> texts;
  for (const MasterEntry& service : services) {
    if (::access(fmt::format("{}/{}", daemon_directory, service.program).c_str(), X_OK) == 0) continue;
    texts.push_back(fmt::format("{}: service {}: program {} is not installed", service.where(), service.label(), service.program));
  }
  return texts;
}

}  // namespace config
