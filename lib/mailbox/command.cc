#include "lib/mailbox/command.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mailbox/command_line.h"
#include "lib/process/process.h"

namespace mailbox {
namespace {

constexpr mode_t command_umask = 077;
constexpr rlim_t command_descriptors = 1024;  // the usual limit: some programs close all that there might be

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& string : strings) out.push_back(const_cast<char*>(string.c_str()));
  out.push_back(nullptr);
  return out;
}

std::string path_of(const std::vector<std::string>& environment) {
  constexpr std::string_view name = "PATH=";
  for (const std::string& entry : environment) {
    if (entry.starts_with(name)) return entry.substr(name.size());
  }
  return {};
}

// What the child reports to us when it does not become the command.
struct StartFailure {
  enum class Step : int { directory, exec } step;
  int code;
};

// In the child. Only system calls: what must be allocated has been.
[[noreturn]] void become_command(const CommandTarget& target, const std::vector<char*>& argv, const std::vector<char*>& envp,
                                 const std::vector<std::string>& candidates, int in, int out, int report) {
  ::setsid();
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(command_umask);
  const sched_param priority{};
  ::sched_setscheduler(0, SCHED_OTHER, &priority);  // not as daemons are (lib/server)
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    descriptors.rlim_cur = std::min(descriptors.rlim_max, command_descriptors);
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
  }
  if (target.file_size_limit > 0) {
    const rlimit limit{static_cast<rlim_t>(target.file_size_limit), static_cast<rlim_t>(target.file_size_limit)};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  StartFailure failure{StartFailure::Step::directory, 0};
  if (target.directory.empty() || ::chdir(target.directory.c_str()) == 0) {
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    failure = {StartFailure::Step::exec, ENOENT};
    for (const std::string& path : candidates) {
      ::execve(path.c_str(), argv.data(), envp.data());
      if (failure.code != EACCES) failure.code = errno;
      if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
    }
  } else {
    failure.code = errno;
  }
  [[maybe_unused]] const ssize_t ignored = ::write(report, &failure, sizeof failure);
  ::_exit(EX_TEMPFAIL);
}

// The paths that a program name stands for, in the order of PATH.
std::vector<std::string> program_paths(const std::string& name, const std::string& path) {
  if (name.contains('/')) return {name};
  std::vector<std::string> paths;
  for (const std::string_view directory : ascii::split(path, ":")) paths.push_back(fmt::format("{}/{}", directory, name));
  return paths;
}

// Feeds the message and reads the output, until the output ends or the deadline. What the command does not read of the
// message is its own affair.
class Exchange {
 public:
  Exchange(Fd in, Fd out, Content& content, CommandResult& result)
      : in_(std::move(in)), out_(std::move(out)), content_(content), result_(result) {
    ::fcntl(in_.get(), F_SETFL, O_NONBLOCK);
  }

  // False at the deadline.
  bool run(Deadline deadline) {
    while (out_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
      if (left <= 0) return false;
      std::array<pollfd, 2> waits{pollfd{out_.get(), POLLIN, 0}, pollfd{in_ ? in_.get() : -1, POLLOUT, 0}};
      const int ready = ::poll(waits.data(), waits.size(), static_cast<int>(std::min<std::int64_t>(left, 3'600'000)));
      if (ready < 0 && errno != EINTR) return false;
      if (ready <= 0) continue;
      if (waits[1].revents != 0) feed();
      if (waits[0].revents != 0) drain();
    }
    return true;
  }

 private:
  void feed() {
    if (chunk_.empty()) {
      const auto bytes = content_.next();
      if (!bytes) result_.damage = bytes.error().message();
      if (!bytes || bytes->empty()) return in_.reset();
      chunk_ = *bytes;
    }
    const ssize_t count = ::write(in_.get(), chunk_.data(), chunk_.size());
    if (count >= 0) {
      chunk_.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EAGAIN && errno != EINTR) {
      in_.reset();
    }
  }

  void drain() {
    std::array<char, 4096> bytes{};
    const ssize_t count = ::read(out_.get(), bytes.data(), bytes.size());
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) return out_.reset();
    if (count < 0) return;
    const std::size_t room = command_output_limit - result_.output.size();
    result_.output.append(bytes.data(), std::min(static_cast<std::size_t>(count), room));
  }

  Fd in_, out_;
  Content& content_;
  CommandResult& result_;
  std::string_view chunk_;
};

// Waits for the child until the deadline. False when it is still running then.
bool wait_until(pid_t child, Deadline deadline, int& status) {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  for (;;) {
    const pid_t ended = ::waitpid(child, &status, handle ? WNOHANG : 0);
    if (ended == child) return true;
    if (ended < 0 && errno != EINTR) return true;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd wait{handle.get(), POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 3'600'000)));
  }
}

// The children of this process: also descendants of commands that lost their parents (PR_SET_CHILD_SUBREAPER, worker.cc).
std::vector<pid_t> children() {
  const Fd list(::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> text{};
  const ssize_t length = list ? ::read(list.get(), text.data(), text.size()) : 0;
  std::vector<pid_t> pids;
  if (length <= 0) return pids;
  for (const std::string_view word : ascii::split({text.data(), static_cast<std::size_t>(length)}, " \n")) {
    if (const auto pid = ascii::parse_number(word, INT32_MAX); pid && *pid > 1) pids.push_back(static_cast<pid_t>(*pid));
  }
  return pids;
}

// Ends the command's process group, and its descendants that left the group: those that are our children now and were
// not `before`.
void end_all(pid_t child, const std::vector<pid_t>& before, int& status) {
  ::kill(-child, SIGKILL);
  ::kill(child, SIGKILL);
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  for (const pid_t pid : children()) {
    if (std::ranges::find(before, pid) != before.end()) continue;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

std::string fatal_line(const CommandTarget& target, const std::vector<std::string>& arguments, const StartFailure& failure) {
  const std::string why = base::Error::system("", failure.code).message().substr(2);
  if (failure.step == StartFailure::Step::exec) {
    return fmt::format("{}execvp {}: {}", target.arguments.empty() ? "" : "pipe_command: ", arguments.front(), why);
  }
  return fmt::format("cannot change directory to \"{}\" for uid={} gid={}: {}", target.directory, ::geteuid(), ::getegid(), why);
}

struct Meaning {
  int status;
  mail::Dsn dsn;
  std::string_view text;
};
constexpr std::array meanings = {
    Meaning{EX_USAGE, {5, 3, 0}, "command line usage error"},
    Meaning{EX_DATAERR, {5, 6, 0}, "data format error"},
    Meaning{EX_NOINPUT, {5, 3, 0}, "cannot open input"},
    Meaning{EX_NOUSER, {5, 1, 1}, "user unknown"},
    Meaning{EX_NOHOST, {5, 1, 2}, "host name unknown"},
    Meaning{EX_UNAVAILABLE, {5, 3, 0}, "service unavailable"},
    Meaning{EX_SOFTWARE, {5, 3, 0}, "internal software error"},
    Meaning{EX_OSERR, {4, 3, 0}, "system resource problem"},
    Meaning{EX_OSFILE, {5, 3, 0}, "critical OS file missing"},
    Meaning{EX_CANTCREAT, {5, 2, 0}, "can't create user output file"},
    Meaning{EX_IOERR, {5, 3, 0}, "input/output error"},
    Meaning{EX_TEMPFAIL, {4, 3, 0}, "temporary failure"},
    Meaning{EX_PROTOCOL, {5, 5, 0}, "remote error in protocol"},
    Meaning{EX_NOPERM, {5, 7, 0}, "permission denied"},
    Meaning{EX_CONFIG, {5, 3, 5}, "local configuration error"},
};

// Line ends become spaces, as they stand in a log line.
std::string in_one_line(std::string_view output) {
  std::string text(output);
  std::ranges::replace(text, '\n', ' ');
  return ascii::printable(text);
}

}  // namespace

Result<CommandResult> run_command(const CommandTarget& target, Content& content) {
  const Deadline deadline = base::after(target.time_limit);
  const std::vector<std::string> arguments =
      target.arguments.empty() ? command_arguments(target.command, target.shell) : target.arguments;
  const std::vector<std::string> candidates = program_paths(arguments.front(), path_of(target.environment));
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(target.environment);
  process::Pipe in = TRY(process::make_pipe()), out = TRY(process::make_pipe()), report = TRY(process::make_pipe());

  const std::vector<pid_t> before = children();
  const pid_t child = ::fork();
  if (child < 0) return base::fail_system("fork");
  if (child == 0) become_command(target, argv, envp, candidates, in.read_end.get(), out.write_end.get(), report.write_end.get());
  in.read_end.reset();
  out.write_end.reset();
  report.write_end.reset();

  CommandResult result;
  StartFailure failure{};
  if (::read(report.read_end.get(), &failure, sizeof failure) == sizeof failure) {
    int ignored = 0;
    static_cast<void>(wait_until(child, base::no_deadline, ignored));
    result.status = EX_TEMPFAIL;
    result.fatal.push_back(fatal_line(target, arguments, failure));
    if (failure.step == StartFailure::Step::exec) result.output = fmt::format("{}: fatal: {}\n", target.agent, result.fatal.back());
    return result;
  }

  content.rewind();
  int status = 0;
  const bool in_time = Exchange(std::move(in.write_end), std::move(out.read_end), content, result).run(deadline) &&
                       wait_until(child, deadline, status);
  if (!in_time || !result.damage.empty()) {
    end_all(child, before, status);
    result.end = CommandEnd::timed_out;
    return result;
  }
  result.end = WIFSIGNALED(status) ? CommandEnd::killed_by_signal : CommandEnd::exited;
  result.status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

Outcome judge(const CommandResult& result, std::string_view command) {
  Outcome outcome;
  if (!result.damage.empty()) return {{4, 3, 0}, "queue file: " + result.damage, {}};
  if (result.end == CommandEnd::exited && result.status == 0) return outcome;

  const std::string output = in_one_line(result.output);
  switch (result.end) {
    case CommandEnd::timed_out:
      outcome = {{5, 3, 0}, fmt::format("Command time limit exceeded: \"{}\"", command), {"pipe_command_read: read time limit exceeded"}};
      break;
    case CommandEnd::killed_by_signal:
      outcome = {{4, 3, 0}, fmt::format("Command died with signal {}: \"{}\"", result.status, command), {}};
      break;
    case CommandEnd::exited: {
      std::string_view text = output;
      if (const auto dsn = mail::Dsn::parse_prefix(text); dsn && !dsn->is_success()) return {*dsn, std::string(text), {}};
      const auto* meaning = std::ranges::find(meanings, result.status, &Meaning::status);
      if (meaning != meanings.end()) {
        outcome = {meaning->dsn, std::string(meaning->text), {}};
      } else {
        outcome = {{5, 3, 0}, fmt::format("Command died with status {}: \"{}\"", result.status, command), {}};
      }
      break;
    }
  }
  if (!output.empty()) outcome.reason += ". Command output: " + output;
  return outcome;
}

std::string diagnosis(const CommandResult& result) {
  std::string text = result.output;
  std::erase(text, '\0');
  if (result.end == CommandEnd::exited && result.status != 0) {
    std::string_view rest = text;
    if (const auto dsn = mail::Dsn::parse_prefix(rest); dsn && !dsn->is_success()) return std::string(rest);
  }
  if (!text.empty() || result.end == CommandEnd::killed_by_signal) return text;
  const int status = result.end == CommandEnd::timed_out ? EX_SOFTWARE : result.status;
  const auto* meaning = std::ranges::find(meanings, status, &Meaning::status);
  return meaning == meanings.end() ? std::string() : std::string(meaning->text);
}

}  // namespace mailbox
