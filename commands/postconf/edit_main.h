#pragma once
// Changes to the text of main.cf: everything that is not changed stays as it is, comments inside a value included.

#include <string>
#include <string_view>
#include <vector>

#include "commands/postconf/options.h"
#include "lib/base/error.h"

namespace postconf {

struct Edited {
  std::string text;
  std::vector<std::string> warnings;
};

// `requests` are "name=value" for Action::edit, else names. An entry that is there is changed in its place, each of
// several; a new one is added at the end. `file` is for warnings.
[[nodiscard]] Result<Edited> edit_main(Action action, const std::vector<std::string>& requests, std::string_view text,
                                       std::string_view file);

// No request may begin a comment or have several lines: main.cf could not be read as it was meant.
[[nodiscard]] Result<void> check_requests(const std::vector<std::string>& requests);

}  // namespace postconf
