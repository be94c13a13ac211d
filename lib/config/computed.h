#pragma once
// Defaults that are not in the table because they depend on the machine: myhostname, mydomain, mynetworks.

#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace config {

class Main;

// The system's host name; one without a dot gets $mydomain when that is set, and else ".localdomain".
[[nodiscard]] std::string computed_hostname(const Main& main);

// myhostname without its first label, or "localdomain".
[[nodiscard]] Result<std::string> computed_domain(const Main& main);

// The networks of the interfaces that inet_interfaces names, as wide as mynetworks_style says.
[[nodiscard]] Result<std::string> computed_networks(const Main& main);

}  // namespace config
