#pragma once
// Which main.cf a program uses that ordinary users start: they may not make it act on a configuration of their own.

#include <optional>
#include <string>

#include "lib/base/error.h"

namespace submit {

// The directory from -c or -C, or from MAIL_CONFIG, or the default one. A directory that is not the default must be
// listed in the default main.cf (alternate_config_directories, multi_instance_directories), unless root asks; or, in a
// program that has no more rights than its caller, its main.cf must be the caller's own. "dir/main.cf" is "dir". The
// error has two lines: what is wrong, and what to do.
[[nodiscard]] Result<std::string> config_directory(const std::optional<std::string>& option);

}  // namespace submit
