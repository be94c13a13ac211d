#pragma once
// Other programs that postfix(1) runs.

#include <string>
#include <string_view>
#include <vector>

#include "commands/postfix/actions.h"
#include "lib/base/error.h"

namespace postfix {

// Its path; one without a directory is looked for where the system has its programs.
[[nodiscard]] Result<std::string> find_program(const std::string& name);

// What a program has written, and whether it was content. Of more than a megabyte the rest is not kept.
struct Output {
  bool is_good = false;
  std::string out, err;
};
// Runs it to its end: argv[0] is its path, `input` its standard input, and `more` is in a file that it finds as extra_input. The error: it
// cannot be run.
[[nodiscard]] Result<Output> run_and_read(const Context& context, const std::vector<std::string>& argv, std::string_view input = {},
                                         std::string_view more = {});
inline constexpr const char* extra_input = "/dev/fd/3";

}  // namespace postfix
