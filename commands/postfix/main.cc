// postfix(1): starts, stops and looks after the suite. Run by root, or by the owner of a private instance. Reads main.cf,
// signals master, makes missing queue directories. Touches no mail.

#include <array>
#include <cstdlib>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

#include "commands/postfix/actions.h"
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
    Action{"stop", &postfix::stop},     Action{"abort", &postfix::abort},
    Action{"reload", &postfix::reload}, Action{"flush", &postfix::flush},
    Action{"status", &postfix::status}, Action{"check", &postfix::check},
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
  config::open_log(*main_cf, "postfix-script", config::LogUser::script);

  const std::string_view name = optind + 1 == argc ? argv[optind] : "";
  for (const Action& action : actions) {
    if (action.name == name) return action.run({std::move(*params), directory});
  }
  maillog::fatal("unknown command: '{}'. Usage: postfix start (or stop, reload, abort, flush, check, status, start-fg)", name);
}
