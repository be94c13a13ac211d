#pragma once
// A queue file's records as text.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace postcat {

// What is shown, and how.
struct Choice {
  bool envelope = false, headers = false, body = false;   // none of the three: all, with the separator lines
  bool names_file = false;                                // the file's name in front of each line
  bool offsets = false;                                   // the record's place in the file in front
  bool decimal_types = false;                             // its type as a number in front
  bool raw = false;                                       // records as they stand, pointers and padding too
  bool names_content = false;                             // content records have their type's name in front too
  std::int64_t start = 0;                                 // where to begin; not 0: amid the records
};

// The error of a file that does not begin as those of the queue do.
inline constexpr std::string_view not_a_queue_file = "input is not a valid queue file";

// Prints the file that is open as `fd` to standard output, under `name`. Error when it is no queue file, or a record of it
// is broken; a file that ends between two records is shown as far as it goes.
[[nodiscard]] Result<void> print(int fd, const std::string& name, const Choice& choice);

}  // namespace postcat
