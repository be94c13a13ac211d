#pragma once
// What of our environment a command of the site or of a user gets.

#include <string>
#include <string_view>
#include <vector>

namespace mailbox {

// The value of export_environment, as far as it is the same for all commands: names that are taken from our own
// environment, and NAME=VALUE, "{ NAME=VALUE }" included.
[[nodiscard]] std::vector<std::string> exported_environment(std::string_view export_environment);

// With a PATH, where `environment` has none.
[[nodiscard]] std::vector<std::string> with_path(std::vector<std::string> environment);

}  // namespace mailbox
