// postfix(1): starts, stops and looks after the suite. Run by root, or by the owner of a private instance. Reads main.cf,
// signals master, makes missing queue directories. Touches no mail.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "commands/postfix/actions.h"
#include "commands/postfix/logrotate.h"
#include "commands/postfix/upgrade.h"
#include "lib/base/ascii.h"
#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"
#include "lib/process/account.h"

namespace {

struct Action {
  std::string_view name;
  int (*run)(const postfix::Context& context);
};
constexpr std::array actions{
    Action{"start", &postfix::start},   Action{"start-fg", &postfix::start_foreground},
    Action{"stop", &postfix::stop},     Action{"quick-stop", &postfix::quick_stop},
    Action{"drain", &postfix::drain},   Action{"abort", &postfix::abort},
    Action{"reload", &postfix::reload}, Action{"flush", &postfix::flush},
    Action{"status", &postfix::status}, Action{"check", &postfix::check},
    Action{"logrotate", &postfix::logrotate},
    Action{"upgrade-configuration", &postfix::upgrade_configuration},
};

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/postfix");
  std::string directory = config::config_directory_from_environment();
  for (int option; (option = ::getopt(argc, argv, "c:Dv")) != -1;) {
    if (option == 'c') directory = optarg;
    if (option == '?') maillog::fatal("usage: postfix [-c config_dir] [-Dv] command");
  }
  ::umask(022);
  ::setenv("MAIL_CONFIG", directory.c_str(), 1);
  const auto main_cf = config::Main::read(directory);
  if (!main_cf) maillog::fatal("{}", main_cf.error().message());
  auto params = postfix::Params::load(*main_cf);
  if (!params) maillog::fatal("{}", params.error().message());
  const auto owner = process::find_account(params->mail_owner);
  if (::getuid() != 0 && (!owner || ::getuid() != owner->uid)) {
    maillog::error("to submit mail, use the Postfix sendmail command");
    maillog::fatal("the postfix command is reserved for the superuser");
  }
  const auto prefixes = ascii::split(params->maillog_file_prefixes, ", \t\r\n");
  const std::string& log = params->maillog_file;
  if (!log.empty() && std::ranges::none_of(prefixes, [&](std::string_view prefix) { return log.starts_with(prefix); })) {
    maillog::fatal("maillog_file value '{}' does not match any prefix in maillog_file_prefixes", log);
  }
  config::open_log(*main_cf, "postfix-script", config::LogUser::script);

  const std::string_view name = optind < argc ? argv[optind] : "";
  std::vector<std::string> arguments(argv + std::min(optind + 1, argc), argv + argc);
  for (const Action& action : actions) {
    if (action.name == name) return action.run({std::move(*params), directory, std::move(arguments)});
  }
  maillog::fatal("unknown command: '{}'. Usage: postfix start (or stop, reload, abort, flush, check, status, set-permissions, "
                 "upgrade-configuration, logrotate)", name);
}
