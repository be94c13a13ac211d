#include "commands/postfix/command_line.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"
#include "lib/process/account.h"

namespace postfix {

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine command{.config_directory = config::config_directory_from_environment(),
                  .is_one_instance = std::getenv("MAIL_CONFIG") != nullptr,
                  .debugs = false,
                  .action = {},
                  .arguments = {}};
  for (int option; (option = ::getopt(argc, argv, "+c:Dv")) != -1;) {
    if (option == '?') maillog::fatal("usage: postfix [-c config_dir] [-Dv] command");
    if (option == 'D') command.debugs = true;
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

void check_accounts(const Params& params) {
  const auto refuse = [&](const std::string& text) { maillog::fatal("file {}/main.cf: {}", params.config_directory, text); };
  if (::getuid() != 0) return;
  const std::array users{std::pair{"mail_owner", &params.mail_owner}, std::pair{"default_privs", &params.default_privs}};
  for (const auto& [parameter, name] : users) {
    const auto account = process::find_account(*name);
    if (!account) refuse(fmt::format("parameter {}: unknown user name value: {}", parameter, *name));
    if (account->uid == 0) refuse(fmt::format("parameter {}: user {} has privileged user ID", parameter, *name));
  }
  const auto group = process::find_group(params.setgid_group);
  if (!group) refuse(fmt::format("parameter setgid_group: unknown group name: {}", params.setgid_group));
  if (*group != process::find_account(params.mail_owner)->gid) return;
  refuse(fmt::format("parameters mail_owner and setgid_group: user {} and group {} have the same group ID: {}", params.mail_owner,
                     params.setgid_group, *group));
}

void check_log_file(const Params& params) {
  const std::string& log = params.maillog_file;
  const auto prefixes = ascii::split(params.maillog_file_prefixes, ", \t\r\n");
  if (log.empty() || std::ranges::any_of(prefixes, [&](std::string_view prefix) { return log.starts_with(prefix); })) return;
  maillog::fatal("maillog_file value '{}' does not match any prefix in maillog_file_prefixes", log);
}

}  // namespace postfix
