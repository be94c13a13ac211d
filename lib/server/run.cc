#include "lib/server/service.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/log_setup.h"
#include "lib/event/loop.h"
#include "lib/io/tcp_window.h"
#include "lib/log/log.h"
#include "lib/mail/logged_address.h"
#include "lib/maps/open_errors.h"
#include "lib/process/account.h"
#include "lib/process/process.h"
#include "lib/sandbox/enforce.h"
#include "lib/server/acceptor.h"
#include "lib/server/server_params.h"
#include "lib/server/watchdog.h"

namespace server {
namespace {

// What master told the child on its command line.
struct Arguments {
  std::string service = "unknown";
  std::string type;
  int sockets = 1;
  bool unprivileged = false;
  bool chrooted = false;
  int process_limit = 0;
  int share = 0;
  bool debugged = false;
  std::vector<std::string> overrides;  // name=value
  std::vector<std::string> words;      // what follows the options: the program's own
};

Arguments parse_arguments(int argc, char** argv) {
  Arguments arguments;
  const auto number = [](const char* text) { return static_cast<int>(ascii::parse_number(text, 1'000'000).value_or(0)); };
  // "+": what comes after the first word is not ours, even if it begins with "-".
  for (int option; (option = ::getopt(argc, argv, "+cl:n:o:p:s:t:uvDS")) != -1;) {
    switch (option) {
      case 'c': arguments.chrooted = true; break;
      case 'l': arguments.share = number(optarg); break;
      case 'n': arguments.service = optarg; break;
      case 'o': arguments.overrides.emplace_back(optarg); break;
      case 'p': arguments.process_limit = number(optarg); break;
      case 's': arguments.sockets = number(optarg); break;
      case 't': arguments.type = optarg; break;
      case 'u': arguments.unprivileged = true; break;
      case 'D': arguments.debugged = true; break;
      case 'v':
      case 'S': break;
      case '?':
      default: maillog::fatal("this program is started by master(8)");
    }
  }
  arguments.words.assign(argv + optind, argv + argc);
  return arguments;
}

// Where a daemon's life ends when it cannot start; master throttles the service.
template <class T>
T or_fatal(Result<T> result) {
  if (!result) maillog::fatal("{}", result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Gives up root and the view of the file system. The account was looked up before the chroot took the user database away.
Result<void> change_identity(const Arguments& arguments, const std::optional<process::Account>& owner) {
  if (arguments.chrooted && ::chroot(".") != 0) return base::fail_system("chroot to the queue directory");
  if (owner) TRY(process::become(*owner));
  return {};
}

// As many descriptors as the system allows: a session needs one or two.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Who is woken waits for his turn rather than interrupting another: a message goes through many hands, and each that is
// interrupted in the middle of his work costs two switches more. Threads and forked workers do likewise.
void wait_for_turn() {
  const sched_param standard{};
  static_cast<void>(::sched_setscheduler(0, SCHED_BATCH, &standard));  // a matter of speed only
}

std::vector<Fd> listeners(const Arguments& arguments) {
  std::vector<Fd> out;
  for (int i = 0; i < arguments.sockets; ++i) out.emplace_back(first_listener_fd + i);
  return out;
}

// master.cf's -D: debugger_command, which has the time that it takes to attach itself to this process.
void run_debugger(const config::Main& main) {
  const std::string command = or_fatal(main.string("debugger_command"));
  if (command.empty()) return maillog::warning("-D without debugger_command");
  process::Program shell{.argv = {"/bin/sh", "-c", command}, .path = {}, .environment = {}, .descriptors = {}, .directory = {}, .own_session = false, .identity = {}};
  for (char** item = environ; *item != nullptr; ++item) shell.environment.emplace_back(*item);
  or_fatal(process::Process::start(shell)).wait();
}

// How long the loop may be stuck. Most programs share a limit; the others' parameters are their own.
std::chrono::seconds watchdog_limit(const config::Main& main, std::string_view program) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> own{{{"postlogd", "postlogd_watchdog_timeout"},
                                                                              {"postscreen", "postscreen_watchdog_timeout"},
                                                                              {"qmgr", "qmgr_daemon_timeout"},
                                                                              {"tlsproxy", "tlsproxy_watchdog_timeout"}}};
  const auto* const found = std::ranges::find(own, program, &std::pair<std::string_view, std::string_view>::first);
  return or_fatal(main.time(found == own.end() ? "daemon_timeout" : found->second));
}

void tell_master(ChildSays word) {
  const char byte = static_cast<char>(word);
  [[maybe_unused]] const ssize_t ignored = ::send(control_fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Words from master, until its end of the socket is gone, which means the same as "drain". `stays` becomes true when the
// end of the mail system has begun, and others still need this process.
void hear_master(Acceptor& acceptor, bool& stays) {
  for (;;) {
    char byte = 0;
    const ssize_t size = ::recv(control_fd, &byte, 1, MSG_DONTWAIT);
    if (size < 0) return;
    switch (size == 0 ? MasterSays::drain : static_cast<MasterSays>(byte)) {
      case MasterSays::drain: acceptor.drain(false); return;
      case MasterSays::stress: acceptor.set_stress(true); break;
      case MasterSays::calm: acceptor.set_stress(false); break;
      case MasterSays::stay: stays = true; break;
    }
  }
}

// Connections over which requests come are all taken by one process, since most are at rest: it serves as many requests as
// all of the service may. A share of one where there may be many more than there are cores is a crash's (master's isolation).
Acceptor::Limits limits_of(const Arguments& arguments, const Params& params, const Program& program) {
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const bool isolated = arguments.share == 1 && (arguments.process_limit == 0 || arguments.process_limit > cores);
  const int share = program.kind == Kind::held ? 0 : program.kind == Kind::requests && !isolated ? arguments.process_limit : arguments.share;
  return {.share = static_cast<std::size_t>(share),
          .one_client = program.kind == Kind::requests && isolated,
          .passed = arguments.type == "pass",
          .max_idle = program.stays ? std::chrono::seconds(0) : params.max_idle,
          .drain_time_limit = params.drain_time_limit};
}

}  // namespace

maps::Tables::Options Startup::table_options() const {
  maps::Tables::Options options = or_fatal(maps::Tables::Options::of(main));
  options.services = &services;
  options.on_file = [chrooted = chrooted, watch = watch_file](const std::string& path, maps::Rereads rereads) {
    if (chrooted || rereads == maps::Rereads::never) watch(path);
  };
  return options;
}

int run(int argc, char** argv, const Program& program) {
  maillog::set_tag("postfix/" + std::string(program.name));
  const Arguments arguments = parse_arguments(argc, argv);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  if (program.kind == Kind::datagrams) ::signal(SIGTERM, SIG_IGN);  // the log outlives those who log; master ends it last
  ::umask(077);

  config::Main main = or_fatal(config::Main::read(config::config_directory_from_environment(), arguments.overrides));
  main.set("service_name", arguments.service);  // a macro of -o values
  const Params params = or_fatal(Params::load(main));
  if (::chdir(params.queue_directory.c_str()) != 0) {
    maillog::fatal("{}", base::Error::system("chdir " + params.queue_directory).message());
  }
  config::open_log(main, program.name, config::LogUser::daemon);
  if (arguments.debugged) run_debugger(main);
  // postlogd logs no addresses, and without it nobody would read of the mistake.
  if (program.kind != Kind::datagrams) or_fatal(mail::set_logged_address_format(params.info_log_address_format));
  io::set_tcp_window(params.tcp_windowsize);
  if (params.daemon_table_open_error_is_fatal) maps::refuse_missing_tables();
  raise_descriptor_limit();
  wait_for_turn();
  const std::chrono::seconds stuck_limit = watchdog_limit(main, program.name);

  event::Loop loop;
  loop.carry_log();
  ipc::Connections services;
  std::vector<std::string> watched{main.directory() + "/main.cf"}, writable;
  Startup startup{.main = main,
                  .services = services,
                  .clock = base::system_clock(),
                  .service = arguments.service,
                  .privileged = !arguments.unprivileged,
                  .chrooted = arguments.chrooted,
                  .process_limit = arguments.process_limit,
                  .arguments = arguments.words,
                  .watch_file = [&](const std::string& path) { watched.push_back(path); },
                  .write_below = [&](const std::string& directory) { writable.push_back(directory); }};
  std::optional<process::Account> owner;
  if (arguments.unprivileged && ::geteuid() == 0) owner = or_fatal(process::find_account(params.mail_owner));

  const std::unique_ptr<Service> service = or_fatal(program.make(startup));
  Acceptor acceptor(program.kind, std::string(program.name), *service, limits_of(arguments, params, program),
                    listeners(arguments));
  for (const std::string& path : watched) acceptor.watch_file(path);
  or_fatal(change_identity(arguments, owner));
  or_fatal(sandbox::enforce(program.needs, writable));

  bool stays = false;
  const auto control = loop.watch_readable(control_fd, [&] { hear_master(acceptor, stays); });
  // A delivery that has begun is finished and recorded, or it would be made again; master ends who takes too long. Its word
  // was sent before the signal, and is there when the signal is.
  const auto on_termination = [&] {
    hear_master(acceptor, stays);
    if (!stays) acceptor.drain(false);
  };
  const auto termination = program.kind == Kind::requests ? loop.watch_signal(SIGTERM, on_termination) : nullptr;
  std::optional<Watchdog> watchdog;
  const auto first = loop.spawn(std::string(program.name), [&] {
    watchdog.emplace(stuck_limit);
    service->started();
    acceptor.start(tell_master);
  });
  if (!first) maillog::fatal("{}", first.error().message());
  loop.run();
  maillog::flush();
  // Not by way of destructors: pool threads may still be at work for sessions that were cut off.
  std::fflush(nullptr);
  ::_exit(0);
}

}  // namespace server
