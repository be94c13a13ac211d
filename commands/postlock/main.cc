// postlock(1): runs a command while a mailbox is locked as local(8) locks it. Run by anybody, with the rights of whoever
// calls; it changes nothing in the mailbox.

#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "commands/postlock/postlock_params.h"
#include "lib/base/ascii.h"
#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"
#include "lib/mailbox/dotlock.h"
#include "lib/mailbox/file_lock.h"
#include "lib/mailbox/open_file.h"
#include "lib/process/process.h"

namespace {

constexpr std::string_view usage = "usage: postlock [-c config_dir] [-l lock_style] [-v] folder command...";
constexpr int cannot_lock = 75;   // EX_TEMPFAIL: all that goes wrong before the command runs
constexpr int cannot_run = 1;

template <class... Args>
[[noreturn]] void fail(int status, fmt::format_string<Args...> format, Args&&... args) {
  maillog::exit_fatal(fmt::format(format, std::forward<Args>(args)...), status);
}

struct Options {
  std::string directory = config::config_directory_from_environment();
  std::optional<std::string> locks;
  std::string folder;
  std::vector<std::string> command;
};

Options parse_options(int argc, char** argv) {
  Options options;
  // "+": the options behind the folder are the command's.
  for (int option; (option = ::getopt(argc, argv, "+c:l:v")) != -1;) {
    switch (option) {
      case 'c': options.directory = optarg; break;
      case 'l': options.locks = optarg; break;
      case 'v': break;
      default: fail(cannot_lock, "{}", usage);
    }
  }
  if (argc - optind < 2) fail(cannot_lock, "{}", usage);
  options.folder = argv[optind];
  options.command.assign(argv + optind + 1, argv + argc);
  return options;
}

// What is held while the command runs.
struct Held {
  mailbox::Dotlock dotlock;
  Fd file;
};

Held lock(const std::string& folder, mailbox::LockMethods methods, const mailbox::LockPatience& patience) {
  struct stat status {};
  const bool is_special = ::stat(folder.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
  Held held;
  // The dotlock comes before the file: it also guards the file's creation. Devices have none.
  if (methods.dotlock && !is_special) {
    auto dotlock = mailbox::Dotlock::acquire(folder, mailbox::LockHolder::self(), patience);
    if (!dotlock) fail(cannot_lock, "open file {}: {}", folder, dotlock.error().message());
    held.dotlock = std::move(*dotlock);
  }
  auto opened = mailbox::open_to_append(folder, {.below = {},
                                                 .ownership = mailbox::Ownership::any,
                                                 .owner = ::geteuid(),
                                                 .group = ::getegid(),
                                                 .regular_only = !is_special});
  if (!opened) {
    held = {};  // exit_fatal runs no destructors
    fail(cannot_lock, "open file {}: {}", folder, opened.error().reason);
  }
  held.file = std::move(opened->file);
  if (is_special) return held;
  if (const auto locked = mailbox::lock_mailbox(held.file, methods, patience); !locked) {
    held = {};
    fail(cannot_lock, "open file {}: {}", folder, locked.error().message());
  }
  return held;
}

// As a shell finds it: a name without '/' in the directories of PATH.
std::string find_program(const std::string& name) {
  if (name.contains('/')) return name;
  const char* const path = std::getenv("PATH");
  for (const std::string_view directory : ascii::split(path != nullptr ? path : "/usr/bin:/bin", ":")) {
    std::string candidate = std::string(directory) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return name;
}

int run(const std::vector<std::string>& command, Held held) {
  // Whoever interrupts means the command: the lock is kept until it has ended.
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGQUIT, SIG_IGN);
  process::Program program{.argv = command, .path = find_program(command[0])};
  for (char** variable = environ; *variable != nullptr; ++variable) program.environment.emplace_back(*variable);
  auto started = process::Process::start(program);
  if (!started) {
    held = {};
    fail(cannot_run, "execvp {}", started.error().message());
  }
  const process::Exit end = started->wait();
  return end.signalled ? cannot_run : end.status;
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/postlock");
  const Options options = parse_options(argc, argv);
  const auto main_cf = config::Main::read(options.directory);
  if (!main_cf) fail(cannot_lock, "{}", main_cf.error().message());
  const auto params = postlock::Params::load(*main_cf);
  if (!params) fail(cannot_lock, "{}", params.error().message());
  config::open_log(*main_cf, "postlock", config::LogUser::command);

  const std::string& style = options.locks ? *options.locks : params->mailbox_delivery_lock;
  const auto methods = mailbox::parse_lock_methods(style);
  if (!methods) {
    // The word that is none, within the quotes of the error.
    const std::string& message = methods.error().message();
    const std::size_t quote = message.find('"');
    fail(cannot_lock, "unknown mailbox_delivery_lock value {} in \"{}\"", message.substr(quote), style);
  }
  return run(options.command, lock(options.folder, *methods,
                                   {.attempts = params->deliver_lock_attempts,
                                    .delay = params->deliver_lock_delay,
                                    .stale = params->stale_lock_time}));
}
