#pragma once
// Which main.cf a program uses that ordinary users start: they may not make it act on a configuration of their own.

#include <optional>
#include <string>

#include "lib/base/error.h"

namespace config {

// The directory from -c or -C, or from MAIL_CONFIG, or the default one. A directory that is not the default must be
// listed in the default main.cf (alternate_config_directories, multi_instance_directories), unless root asks. A program
// that has no more rights than its caller also takes what MAIL_CONFIG says, and a directory whose main.cf is the caller's
// own. "dir/main.cf" is "dir". What is wrong is logged; the error says what to do.
[[nodiscard]] Result<std::string> command_directory(const std::optional<std::string>& option);

}  // namespace config
