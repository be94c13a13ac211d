#pragma once
// What the administrator is told of master.cf at start and by `postfix check`.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/master_cf.h"

namespace config {

// A line for each service whose program is not there: its requests fail for a while each.
[[nodiscard]] std::vector<std::string> not_installed(std::string_view daemon_directory, std::span<const MasterEntry> services);

}  // namespace config
