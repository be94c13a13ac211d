#pragma once
// postfix(1)'s command line, and whether the caller may use it.

#include <string>
#include <vector>

#include "commands/postfix/postfix_params.h"

namespace postfix {

struct CommandLine {
  std::string config_directory;
  bool is_one_instance = false;  // -c or MAIL_CONFIG says which
  bool debugs = false;           // -D
  std::string action;            // empty: none was given
  std::vector<std::string> arguments;
};

// Ends with the usage when it cannot be read.
[[nodiscard]] CommandLine parse_command_line(int argc, char** argv);

// Ends unless it is root or the owner of a private instance who calls, and unless maillog_file may be written.
void check_caller(const Params& params);
// Ends when the users and the group of main.cf are not there, have too many rights, or are not apart.
void check_accounts(const Params& params);
void check_log_file(const Params& params);

}  // namespace postfix
