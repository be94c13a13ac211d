#pragma once
// Where a host has several instances.

#include <string>

#include "commands/postfix/command_line.h"

namespace postfix {

// Runs multi_instance_wrapper in our place; it runs us for each instance.
[[noreturn]] void run_wrapper(const Params& params, const CommandLine& command);

// Whether the primary instance lists the one with that configuration directory.
[[nodiscard]] bool is_secondary(const std::string& config_directory);

}  // namespace postfix
