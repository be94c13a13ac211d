// master: the supervisor of the suite. Reads master.cf and main.cf, owns the listening sockets, starts every other daemon
// when a client waits for it. Trusts only files owned by root in the configuration directory; reads one character at a
// time from its children and nothing else from anybody. Stays root, since it binds port 25 and starts programs that
// become users. When it dies its children end with their last client, and no mail is lost: all state is in the queue.

#include <csignal>
#include <cstdlib>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/config/log_setup.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "master/lock.h"
#include "master/options.h"
#include "master/supervisor.h"

int main(int argc, char** argv) {
  maillog::set_tag("postfix/master");
  const master::Options options = master::parse_options(argc, argv);
  const config::Main main = master::or_fatal(config::Main::read(options.config_directory));
  const auto params = master::or_fatal(master::Params::load(main));
  if (::chdir(params.queue_directory.c_str()) != 0) {
    maillog::fatal("{}", base::Error::system("chdir " + params.queue_directory).message());
  }
  if (options.test_only) return master::MasterLock::is_held(master::pid_file) ? 1 : 0;

  ::umask(0);
  ::signal(SIGPIPE, SIG_IGN);
  master::StartReport report = options.mode == master::Mode::daemon ? master::become_daemon(options) : master::StartReport();
  config::open_log(main, "master", config::LogUser::daemon);
  const master::MasterLock lock = master::or_fatal(master::MasterLock::take(master::pid_file));

  event::Loop loop;
  loop.carry_log();
  std::optional<master::Supervisor> supervisor(std::in_place, options.config_directory);
  if (const auto started = supervisor->start(); !started) {
    supervisor.reset();  // and with it the log's socket, which nobody would read any more: the reason goes to the file
    maillog::fatal("{}", started.error().message());
  }
  maillog::info("daemon started -- version {}, configuration {}", params.mail_version, options.config_directory);
  report.success();
  supervisor->run();
  return 0;
}
