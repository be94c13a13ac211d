#include "lib/process/process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

namespace process {
namespace {

constexpr int first_free_descriptor = 100;  // above every number that a child is given

Exit from_wait_status(int status) {
  if (WIFSIGNALED(status)) return {WTERMSIG(status), true};
  return {WEXITSTATUS(status), false};
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& string : strings) out.push_back(const_cast<char*>(string.c_str()));
  out.push_back(nullptr);
  return out;
}

// In the child: gives each descriptor its number, by way of high numbers, so that none is overwritten before it is used.
bool arrange(const Program& program, int report) {
  std::vector<int> high;
  for (const auto& [ours, number] : program.descriptors) {
    const int copy = ::fcntl(ours, F_DUPFD, first_free_descriptor);
    if (copy < 0) return false;
    high.push_back(copy);
  }
  for (std::size_t i = 0; i < high.size(); ++i) {
    if (::dup2(high[i], program.descriptors[i].second) < 0) return false;
    ::close(high[i]);
  }
  for (int fd = 3; fd < first_free_descriptor; ++fd) {
    const bool wanted = std::ranges::any_of(program.descriptors, [fd](const auto& pair) { return pair.second == fd; });
    if (!wanted && fd != report) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  return true;
}

// In the child.
bool take_identity(const Program& program) {
  if (!program.identity) return true;
  const auto [uid, gid] = *program.identity;
  return ::setgroups(1, &gid) == 0 && ::setresgid(gid, gid, gid) == 0 && ::setresuid(uid, uid, uid) == 0;
}

[[noreturn]] void run_child(const Program& program, const std::vector<char*>& argv, const std::vector<char*>& envp, int report) {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (program.own_session) ::setsid();
  const bool ready = arrange(program, report) && take_identity(program) &&
                     (program.directory.empty() || ::chdir(program.directory.c_str()) == 0);
  if (ready) ::execve(program.path.empty() ? argv[0] : program.path.c_str(), argv.data(), envp.data());
  const int code = errno;
  [[maybe_unused]] const ssize_t ignored = ::write(report, &code, sizeof code);
  ::_exit(127);
}

}  // namespace

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return base::fail_system("pipe");
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

Result<Process> Process::start(const Program& program) {
  Pipe pipe = TRY(make_pipe());
  const Fd read_end(std::move(pipe.read_end));
  // The report pipe must not have a number that the child is given.
  Fd write_end(::fcntl(pipe.write_end.get(), F_DUPFD_CLOEXEC, first_free_descriptor));
  pipe.write_end.reset();
  if (!write_end) return base::fail_system("pipe");
  const std::vector<char*> argv = pointers(program.argv);
  const std::vector<char*> envp = pointers(program.environment);

  const pid_t pid = ::fork();
  if (pid < 0) return base::fail_system("fork");
  if (pid == 0) run_child(program, argv, envp, write_end.get());
  write_end.reset();
  int code = 0;
  if (::read(read_end.get(), &code, sizeof code) == sizeof code) {
    ::waitpid(pid, nullptr, 0);
    return base::Failure(base::Error::system(program.argv[0], code));
  }
  return Process(pid);
}

std::optional<Exit> Process::poll() {
  int status = 0;
  if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  return from_wait_status(status);
}

Exit Process::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return from_wait_status(status);
}

void Process::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

std::optional<Ended> reap_any() {
  int status = 0;
  const pid_t pid = ::waitpid(-1, &status, WNOHANG);
  if (pid <= 0) return std::nullopt;
  return Ended{pid, from_wait_status(status)};
}

}  // namespace process
