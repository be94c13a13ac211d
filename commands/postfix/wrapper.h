#pragma once
// Where a host has several instances.

#include <string>

#include "commands/postfix/actions.h"
#include "commands/postfix/command_line.h"

namespace postfix {

// Runs multi_instance_wrapper in our place; it runs us for each instance. It starts in the queue directory, with what
// postfix-wrapper(5) promises in its environment and nothing else of ours.
[[noreturn]] void run_wrapper(const Context& context, const CommandLine& command);

// Whether the primary instance lists the one with that configuration directory.
[[nodiscard]] bool is_secondary(const std::string& config_directory);

}  // namespace postfix
