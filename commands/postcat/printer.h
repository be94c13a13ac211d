#pragma once
// A queue file's records as text.

#include <string>

#include "lib/base/error.h"

namespace postcat {

// What is shown, and how.
struct Choice {
  bool envelope = false, headers = false, body = false;   // none of the three: all, with the separator lines
  bool offsets = false;                                   // the record's place in the file in front
  bool decimal_types = false;                             // its type as a number in front
  bool raw = false;                                       // records as they stand, pointers and padding too
};

// Prints the file that is open as `fd` to standard output, under `name`. Error when it is no queue file, or ends early.
[[nodiscard]] Result<void> print(int fd, const std::string& name, const Choice& choice);

}  // namespace postcat
