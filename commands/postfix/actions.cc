#include "commands/postfix/actions.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <optional>

#include <fmt/core.h>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "commands/postconf/selection.h"
#include "commands/postfix/directories.h"
#include "commands/postfix/mistakes.h"
#include "commands/postfix/ownership.h"
#include "lib/base/ascii.h"
#include "lib/config/file.h"
#include "lib/config/not_installed.h"
#include "lib/config/main_cf.h"
#include "lib/config/master_cf.h"
#include "lib/io/file.h"
#include "lib/log/log.h"
#include "lib/process/process.h"
#include "master/lock.h"
#include "master/options.h"

namespace postfix {
namespace {

// How long a stop may take before the processes are killed.
constexpr int stop_limit_ms = 10'000;
constexpr int abort_limit_ms = 1'000;
constexpr std::size_t pid_file_limit = 100;

std::string pid_path(const Context& context) { return context.params.queue_directory + "/" + master::pid_file; }

bool is_running(const Context& context) { return master::MasterLock::is_held(pid_path(context)); }

int not_running() {
  maillog::write(maillog::Level::fatal, "the Postfix mail system is not running");
  return 1;
}

// The columns of master.cf, in the words in which Postfix's check has postconf say it.
Result<void> check_columns(const std::string& path) {
  const std::string text = TRY(io::read_file(path, config::max_file_size));
  for (const config::MasterLine& line : TRY(config::parse_master_lines(text, path))) {
    if (const auto good = postconf::check_fields(line, line.text); !good) {
      return base::fail(fmt::format("{}: line {}: {}", path, line.line, good.error().message()));
    }
  }
  return {};
}

// Directories, owners and configuration. False when the suite should not start.
bool is_sound(const Context& context) {
  const auto refuse = [](const std::string& text) {
    maillog::write(maillog::Level::fatal, text);
    return false;
  };
  const auto complain = [](const base::Error& error) {
    maillog::write(maillog::Level::error, error.message());
    return false;
  };
  const std::string program = context.params.daemon_directory + "/master";
  if (::access(program.c_str(), X_OK) != 0) return refuse("no Postfix master program " + program + "!");
  const std::string services = context.config_directory + "/master.cf";
  if (::access(services.c_str(), F_OK) != 0) return refuse("no " + services + " file found");
  const auto owners = find_owners(context.params);
  if (!owners) return complain(owners.error());
  if (const auto made = create_missing(context.params, *owners); !made) return complain(made.error());
  warn_of_owners(context, *owners);
  if (const auto usable = find_unusable(context.params, *owners); !usable) return complain(usable.error());
  const auto main = config::Main::read(context.config_directory);
  if (!main) return complain(main.error());
  if (const auto fields = check_columns(services); !fields) return complain(fields.error());
  const auto entries = config::read_master_cf(*main);
  if (!entries) return complain(entries.error());
  const Mistakes mistakes = find_mistakes(*main, *entries);
  for (const std::string& text : mistakes.lines()) maillog::warning("{}", text);
  if (mistakes.is_fatal()) return false;
  const auto is_log = [](const config::MasterEntry& entry) { return entry.type == config::ServiceType::unix_datagram; };
  if (!context.params.maillog_file.empty() && std::ranges::none_of(*entries, is_log)) {
    return refuse("missing 'postlog' service in master.cf - run 'postfix upgrade-configuration'");
  }
  return true;
}

int run_program(const Context& context, std::vector<std::string> argv) {
  auto process = process::Process::start({.argv = std::move(argv), .environment = environment(context)});
  if (!process) {
    maillog::write(maillog::Level::fatal, process.error().message());
    return 1;
  }
  const process::Exit exit = process->wait();
  return exit.signalled ? 1 : exit.status;
}

// Before the lines of the process that is to do it.
void announce(std::string_view what) {
  maillog::info("{}", what);
  maillog::flush();
}

bool prepare_start(const Context& context) {
  if (is_running(context)) {
    maillog::write(maillog::Level::fatal, "the Postfix mail system is already running");
    return false;
  }
  if (!is_sound(context)) {
    maillog::write(maillog::Level::fatal, "Postfix integrity check failed!");
    return false;
  }
  announce("starting the Postfix mail system");
  return true;
}

// Waits on the process itself, so that nothing is polled and no other process with the same number is meant.
bool ends_within(int pidfd, int limit_ms) {
  pollfd end{pidfd, POLLIN, 0};
  return ::poll(&end, 1, limit_ms) > 0;
}

int end_master(const Context& context, std::string_view announcement, int limit_ms) {
  const std::optional<pid_t> pid = master_pid(context);
  if (!pid) return not_running();
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
  announce(announcement);
  ::kill(*pid, SIGTERM);
  ::kill(*pid, SIGCONT);  // somebody may have stopped it, as our maintainer scripts do
  if (process && ends_within(process.get(), limit_ms)) return 0;
  maillog::warning("stopping the Postfix mail system with force");
  ::kill(-*pid, SIGKILL);
  if (process && ends_within(process.get(), limit_ms)) return 0;
  return 1;
}

}  // namespace

std::optional<pid_t> master_pid(const Context& context) {
  if (!is_running(context)) return std::nullopt;
  const auto text = io::read_file(pid_path(context), pid_file_limit);
  const auto number = text ? ascii::parse_number(ascii::trim(*text), INT32_MAX) : std::nullopt;
  if (!number || *number == 0) return std::nullopt;
  return static_cast<pid_t>(*number);
}

std::vector<std::string> environment(const Context& context) {
  std::vector<std::string> out{"MAIL_CONFIG=" + context.config_directory, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  for (const char* const name : {"TZ", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (const char* const value = std::getenv(name); value != nullptr) out.push_back(std::string(name) + "=" + value);
  }
  return out;
}

int start(const Context& context) {
  if (!prepare_start(context)) return 1;
  if (run_program(context, {context.params.daemon_directory + "/master", "-w", "-c", context.config_directory}) == 0) return 0;
  maillog::write(maillog::Level::fatal, "mail system startup failed");
  return 1;
}

int start_foreground(const Context& context) {
  if (!prepare_start(context)) return 1;
  const std::string path = context.params.daemon_directory + "/master";
  ::execl(path.c_str(), path.c_str(), ::getpid() == 1 ? "-i" : "-s", "-c", context.config_directory.c_str(), nullptr);
  maillog::write(maillog::Level::fatal, base::Error::system("run " + path).message());
  return 1;
}

int stop(const Context& context) { return end_master(context, "stopping the Postfix mail system", stop_limit_ms); }

int quick_stop(const Context& context) {
  if (!is_running(context)) {
    not_running();
    return 0;  // Postfix's too: what was wanted is so
  }
  return end_master(context, "stopping the Postfix mail system", abort_limit_ms);
}

// Processes whose master is gone take no new clients: nobody else has to be told.
int drain(const Context& context) {
  const std::optional<pid_t> pid = master_pid(context);
  if (!pid) return not_running();
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
  announce("stopping the Postfix mail system");
  ::kill(*pid, SIGKILL);
  return process && ends_within(process.get(), abort_limit_ms) ? 0 : 1;
}

int abort(const Context& context) { return end_master(context, "aborting the Postfix mail system", abort_limit_ms); }

int reload(const Context& context) {
  const std::optional<pid_t> pid = master_pid(context);
  if (!pid) return not_running();
  if (!is_sound(context)) {
    maillog::write(maillog::Level::fatal, "Postfix integrity check failed!");
    return 1;
  }
  announce("refreshing the Postfix mail system");
  return ::kill(*pid, SIGHUP) == 0 ? 0 : 1;
}

int flush(const Context& context) {
  return run_program(context, {context.params.command_directory + "/postqueue", "-f"});
}

int status(const Context& context) {
  if (const std::optional<pid_t> pid = master_pid(context)) {
    maillog::info("the Postfix mail system is running: PID: {}", *pid);
    return 0;
  }
  maillog::info("the Postfix mail system is not running");
  return 1;
}

// What master also tells when it starts.
Result<void> tell_warnings(const Context& context) {
  const config::Main main = TRY(config::Main::read(context.config_directory));
  const std::vector<config::MasterEntry> entries = TRY(config::read_master_cf(main));
  for (const std::string& text : main.warnings()) maillog::warning("{}", text);
  for (const std::string& text : config::not_installed(context.params.daemon_directory, entries)) {
    maillog::warning("{}", text);
  }
  return {};
}

int check(const Context& context) { return is_sound(context) && tell_warnings(context) ? 0 : 1; }

}  // namespace postfix
