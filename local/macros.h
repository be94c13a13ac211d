#pragma once
// $name expansion in values that are expanded per delivery: forward_path, luser_relay, command_execution_directory.

#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace local {

// What the names stand for.
struct Macros {
  std::string user, home, shell;
  std::string recipient;   // the whole address
  std::string extension, domain;
  std::string local;       // the whole local part
  std::string delimiter;   // $recipient_delimiter: the one that was found, or the first there is
};

// Characters of values that are not in `allowed` become '_'; an empty `allowed` allows all. The Error quotes what is not
// understood.
[[nodiscard]] Result<std::string> expand(std::string_view text, const Macros& macros, std::string_view allowed);

// Each character of `text` that is not in `allowed` becomes '_'.
[[nodiscard]] std::string filtered(std::string_view text, std::string_view allowed);

}  // namespace local
