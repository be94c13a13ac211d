#include "commands/postfix/command_line.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"
#include "lib/process/account.h"

namespace postfix {

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine command{.config_directory = config::config_directory_from_environment(),
                  .is_one_instance = std::getenv("MAIL_CONFIG") != nullptr,
                  .action = {},
                  .arguments = {}};
  for (int option; (option = ::getopt(argc, argv, "+c:Dv")) != -1;) {
    if (option == '?') maillog::fatal("usage: postfix [-c config_dir] [-Dv] command");
    if (option != 'c') continue;
    command.config_directory = optarg;
    command.is_one_instance = true;
  }
  if (optind < argc) command.action = argv[optind++];
  command.arguments.assign(argv + optind, argv + argc);
  return command;
}

void check_caller(const Params& params) {
  const auto owner = process::find_account(params.mail_owner);
  if (::getuid() == 0 || (owner && ::getuid() == owner->uid)) return;
  maillog::error("to submit mail, use the Postfix sendmail command");
  maillog::fatal("the postfix command is reserved for the superuser");
}

void check_log_file(const Params& params) {
  const std::string& log = params.maillog_file;
  const auto prefixes = ascii::split(params.maillog_file_prefixes, ", \t\r\n");
  if (log.empty() || std::ranges::any_of(prefixes, [&](std::string_view prefix) { return log.starts_with(prefix); })) return;
  maillog::fatal("maillog_file value '{}' does not match any prefix in maillog_file_prefixes", log);
}

}  // namespace postfix
