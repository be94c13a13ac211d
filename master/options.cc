#include "master/options.h"

#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include "lib/config/main_cf.h"
#include "lib/process/process.h"

namespace master {
namespace {

constexpr char started = '+';

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  options.config_directory = config::config_directory_from_environment();
  for (int option; (option = ::getopt(argc, argv, "c:dDe:istvw")) != -1;) {
    switch (option) {
      case 'c': options.config_directory = optarg; break;
      case 'd':
      case 'i':
      case 's': options.mode = Mode::foreground; break;
      case 't': options.test_only = true; break;
      case 'w': options.wait_for_start = true; break;
      case 'D':
      case 'v': break;
      case 'e':
      default: maillog::fatal("usage: {} [-c config_dir] [-d] [-i] [-s] [-t] [-v] [-w]", argv[0]);
    }
  }
  ::setenv("MAIL_CONFIG", options.config_directory.c_str(), 1);
  if (options.mode == Mode::foreground) ::setpgid(0, 0);  // ending the suite is signalling our process group
  return options;
}

void StartReport::success() {
  if (pipe_) {
    [[maybe_unused]] const ssize_t ignored = ::write(pipe_.get(), &started, 1);
  }
  pipe_.reset();
}

StartReport become_daemon(const Options& options) {
  auto pipe = process::make_pipe();
  if (!pipe) maillog::fatal("{}", pipe.error().message());
  const pid_t child = ::fork();
  if (child < 0) maillog::fatal("{}", base::Error::system("fork").message());
  if (child > 0) {
    pipe->write_end.reset();
    char byte = 0;
    const bool good = !options.wait_for_start || ::read(pipe->read_end.get(), &byte, 1) == 1;
    ::_exit(good ? 0 : 1);
  }
  ::setsid();
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), standard);
  return StartReport(std::move(pipe->write_end));
}

}  // namespace master
