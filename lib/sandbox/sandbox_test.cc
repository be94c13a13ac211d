#include "lib/sandbox/enforce.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/log/log.h"
#include "lib/log/sink.h"
#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

namespace {

// A socket of its own directory, that takes datagrams.
class LogDaemon {
 public:
  LogDaemon() {
    address_.sun_family = AF_UNIX;
    path().copy(address_.sun_path, sizeof address_.sun_path - 1);
    listen();
  }

  void restart() {
    std::filesystem::remove(path());
    listen();
  }
  [[nodiscard]] std::string path() const { return directory_.path() + "log"; }
  [[nodiscard]] const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&address_); }
  [[nodiscard]] std::string heard() const {
    std::array<char, 500> text{};
    const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), MSG_DONTWAIT);
    return std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }

 private:
  void listen() {
    socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(socket_.get(), address(), sizeof address_) == 0);
  }

  testing::TemporaryDirectory directory_;
  sockaddr_un address_{};
  Fd socket_;
};

// What a child says at its end, which begins confined.
template <class Body>
int confined(const sandbox::Confinement& confinement, Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(confinement.enforce() ? body() : 255);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST_CASE("who may not connect cannot, and still logs, also when the log daemon has been started anew") {
  LogDaemon daemon;
  maillog::open({.target = maillog::Target::syslog, .path = daemon.path(), .fallback_file = {}, .standard_error_name = {}});
  daemon.restart();
  const auto confinement = sandbox::Confinement::prepare({.connects_unix = false, .accepts = false, .reads_files = true, .writes_files = true});
  REQUIRE(confinement);
  const int code = confined(*confinement, [&] {
    maillog::info("hello");
    maillog::flush();
    const Fd other(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return ::connect(other.get(), daemon.address(), sizeof(sockaddr_un)) == 0 ? 0 : errno;
  });
  CHECK(code == EPERM);
  CHECK(daemon.heard().ends_with(": hello"));
}

TEST_CASE("a confinement that was prepared once holds for each who enforces it") {
  const auto confinement = sandbox::Confinement::prepare({.accepts = false, .reads_files = true});
  REQUIRE(confinement);
  for (int i = 0; i < 2; ++i) {
    CHECK(confined(*confinement, [] { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : errno; }) == EPERM);
    CHECK(confined(*confinement, [] { return ::fork() >= 0 ? 0 : errno; }) == EPERM);
    CHECK(confined(*confinement, [] { return ::open("/tmp/valija-test", O_CREAT | O_WRONLY, 0600) >= 0 ? 0 : errno; }) == EACCES);
    CHECK(confined(*confinement, [] { return ::open("/dev/null", O_RDONLY) >= 0 ? 0 : errno; }) == 0);
  }
}

}  // namespace
