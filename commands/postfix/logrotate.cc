#include "commands/postfix/logrotate.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "commands/postfix/programs.h"
#include "lib/base/ascii.h"
#include "lib/io/file.h"
#include "lib/log/log.h"
#include "lib/process/process.h"

namespace postfix {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds writers_limit{10};
constexpr std::size_t suffix_limit = 200, output_limit = 65'536;

Result<std::string> suffix_now(const std::string& format) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, suffix_limit> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), format.c_str(), &local);
  if (size == 0) return base::fail("maillog_file_rotate_suffix is too long or empty: " + format);
  return std::string(text.data(), size);
}

// Waits until no process has the file open any more: a line that came behind the compressor's back would be lost. The
// kernel grants a write lease only on such a file, and inotify tells when somebody closes it.
void wait_for_writers(const Fd& file, const Fd& closings) {
  const auto end = Clock::now() + writers_limit;
  while (::fcntl(file.get(), F_SETLEASE, F_WRLCK) != 0) {
    const bool has_leases = errno == EAGAIN;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd wait{closings.get(), POLLIN, 0};
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) <= 0) return;
    std::array<char, 4096> events{};
    const bool has_read = ::read(closings.get(), events.data(), events.size()) > 0;
    if (!has_leases || !has_read) return;  // a file system without them: the log daemon's closing was it
  }
  ::fcntl(file.get(), F_SETLEASE, F_UNLCK);
}

Result<void> compress(const Context& context, const std::string& path) {
  const std::string program = TRY(find_program(context.params.maillog_file_compressor));
  process::Pipe pipe = TRY(process::make_pipe());
  const Fd nothing = TRY(io::open_file("/dev/null", O_RDONLY));
  auto process = TRY(process::Process::start({.argv = {program, path},
                                              .environment = environment(context),
                                              .descriptors = {{nothing.get(), STDIN_FILENO}, {pipe.write_end.get(), STDERR_FILENO}}}));
  pipe.write_end.reset();
  const auto said = io::read_all(pipe.read_end, program, output_limit);
  const process::Exit exit = process.wait();
  if (!exit.signalled && exit.status == 0) return {};
  const std::string_view text = said ? ascii::trim(*said) : std::string_view();
  return base::fail(text.empty() ? program + (exit.signalled ? ": signal " : ": exit status ") + std::to_string(exit.status)
                                 : std::string(text));
}

Result<void> rotate(const Context& context, const std::string& log) {
  const std::string old = log + "." + TRY(suffix_now(context.params.maillog_file_rotate_suffix));
  const Fd file = TRY(io::open_file(log, O_RDONLY));
  const Fd closings(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!closings || ::inotify_add_watch(closings.get(), log.c_str(), IN_CLOSE_WRITE) < 0) return base::fail_system("watch " + log);
  if (::rename(log.c_str(), old.c_str()) != 0) return base::fail_system("rename " + log + " to " + old);
  if (const auto pid = master_pid(context)) {
    ::kill(*pid, SIGHUP);
    wait_for_writers(file, closings);
  }
  return compress(context, old);
}

}  // namespace

int logrotate(const Context& context) {
  const auto refuse = [](const std::string& text) {
    maillog::write(maillog::Level::fatal, text);
    return 1;
  };
  const std::string& log = context.params.maillog_file;
  if (!context.arguments.empty()) return refuse("usage postfix logrotate (no arguments)");
  if (log.empty()) return refuse("empty 'maillog_file' parameter value - logfile rotation failed");
  if (log.starts_with("/dev/")) return refuse("not rotating '" + log + "'");
  const auto done = rotate(context, log);
  return done ? 0 : refuse("logfile '" + log + "' rotation failed: " + done.error().message());
}

}  // namespace postfix
