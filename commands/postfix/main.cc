// postfix(1): starts, stops and looks after the suite. Run by root, or by the owner of a private instance. Reads main.cf,
// signals master, makes missing queue directories. Touches no mail.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <sys/stat.h>

#include "commands/postfix/actions.h"
#include "commands/postfix/command_line.h"
#include "commands/postfix/logrotate.h"
#include "commands/postfix/post_install.h"
#include "commands/postfix/tls.h"
#include "commands/postfix/wrapper.h"
#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"

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
    Action{"set-permissions", &postfix::set_permissions},
    Action{"upgrade-configuration", &postfix::upgrade_configuration},
    Action{"post-install", &postfix::post_install},
    Action{"tls", &postfix::manage_tls},
};

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/postfix");
  const postfix::CommandLine command = postfix::parse_command_line(argc, argv);
  ::umask(022);
  const auto main_cf = config::Main::read(command.config_directory);
  if (!main_cf) maillog::fatal("{}", main_cf.error().message());
  auto params = postfix::Params::load(*main_cf);
  if (!params) maillog::fatal("{}", params.error().message());
  postfix::check_caller(*params);
  postfix::check_accounts(*params);
  postfix::check_log_file(*params);
  // Each has the name of the script that Postfix has for it.
  config::open_log(*main_cf, command.action == "tls" ? "postfix-tls-script" : "postfix-script", config::LogUser::script);
  const bool is_for_all = !command.is_one_instance && !params->multi_instance_directories.empty();
  const postfix::Context context{.params = std::move(*params),
                                 .config_directory = command.config_directory,
                                 .arguments = command.arguments,
                                 .is_secondary = postfix::is_secondary(command.config_directory)};
  if (is_for_all) postfix::run_wrapper(context, command);
  ::setenv("MAIL_CONFIG", command.config_directory.c_str(), 1);
  const auto* const action = std::ranges::find(actions, command.action, &Action::name);
  if (action == actions.end()) {
    maillog::fatal("unknown command: '{}'. Usage: postfix start (or stop, reload, abort, flush, check, status, "
                   "set-permissions, upgrade-configuration, logrotate)", command.action);
  }
  return action->run(context);
}
