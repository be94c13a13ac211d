#pragma once

#include <optional>
#include <string>

namespace postdrop {

// Takes one message from standard input and says on standard output what became of it. `config_directory` is -c's.
// Returns the exit status.
[[nodiscard]] int run(const std::optional<std::string>& config_directory);

}  // namespace postdrop
