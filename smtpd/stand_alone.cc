#include "smtpd/stand_alone.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/config/command_directory.h"
#include "lib/config/log_setup.h"
#include "lib/ipc/connections.h"
#include "lib/log/log.h"
#include "lib/mail/logged_address.h"
#include "lib/process/account.h"
#include "smtpd/server.h"

namespace smtpd {
namespace {

constexpr std::size_t block = 16 * 1024;

template <class T>
T or_fatal(Result<T> result) {
  if (!result) maillog::fatal("{}", result.error().message());
  return std::move(*result);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Carries bytes until their end. A session reads and writes one socket; our standard input and output are two files of any
// kind, shared with others, which must not be made non-blocking.
void carry(int from, int to) {
  std::array<char, block> buffer{};
  for (;;) {
    const ssize_t n = ::read(from, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || !write_all(to, {buffer.data(), static_cast<std::size_t>(n)})) break;
  }
}

}  // namespace

bool is_stand_alone(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "-S") return true;
  }
  return false;
}

int run_stand_alone(int argc, char** argv) {
  std::vector<std::string> overrides;
  for (int option; (option = ::getopt(argc, argv, "o:vDS")) != -1;) {
    if (option == '?') return EXIT_FAILURE;
    if (option == 'o') overrides.emplace_back(optarg);
  }
  std::signal(SIGPIPE, SIG_IGN);
  ::umask(077);
  config::Main main = or_fatal(config::Main::read(or_fatal(config::command_directory(std::nullopt)), overrides));
  config::open_log(main, "smtpd", config::LogUser::daemon);
  if (const auto set = mail::set_logged_address_format(or_fatal(main.string("info_log_address_format"))); !set) {
    maillog::fatal("{}", set.error().message());
  }
  const std::string queue_directory = or_fatal(main.string("queue_directory"));
  if (::chdir(queue_directory.c_str()) != 0) {
    maillog::fatal("{}", base::Error::system("chdir " + queue_directory).message());
  }

  ipc::Connections services;
  const process::Account owner = or_fatal(process::find_account(or_fatal(main.string("mail_owner"))));
  const auto trust = ::getuid() == owner.uid ? Server::Trust::no : Server::Trust::yes;
  const std::unique_ptr<Server> server = or_fatal(Server::make_stand_alone(main, services, trust));
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    maillog::fatal("{}", base::Error::system("socketpair").message());
  }
  std::thread([ours = pair[1]] {
    carry(STDIN_FILENO, ours);
    ::shutdown(ours, SHUT_WR);
  }).detach();   // it may wait for input that nobody needs any more when the process ends
  std::thread output([ours = pair[1]] { carry(ours, STDOUT_FILENO); });
  {
    server::Connection connection{.stream = io::Stream(Fd(pair[0])),
                                  .peer = std::nullopt,
                                  .local = std::nullopt,
                                  .session = static_cast<unsigned long>(::getpid()),
                                  .stressed = false};
    server->serve(connection);
  }
  output.join();
  maillog::flush();
  // Not by way of destructors: the input's thread may still be waiting.
  ::_exit(EXIT_SUCCESS);
}

}  // namespace smtpd
