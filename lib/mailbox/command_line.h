#pragma once
// What is to be executed for the text of a command: the program itself where possible, or a shell.

#include <string>
#include <string_view>
#include <vector>

namespace mailbox {

// `shell` (local_command_shell, split at spaces) gets the command as one more argument. Without it, a command of plain
// words that is not a shell's own is split at spaces and run directly; any other is given to /bin/sh -c.
[[nodiscard]] std::vector<std::string> command_arguments(std::string_view command, std::string_view shell);

}  // namespace mailbox
