#include "submit/environment.h"

#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"

namespace submit {
namespace {

constexpr std::string_view path = "PATH=/usr/bin:/usr/sbin:/bin:/sbin";

}  // namespace

void make_surroundings_sane() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is the one that is missing.
    const int opened = ::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
    if (opened != fd) ::_exit(EXIT_FAILURE);
  }
  ::umask(022);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

std::vector<std::string> clean_environment(std::string_view import_environment) {
  std::vector<std::string> out{std::string(path)};
  for (const std::string_view item : ascii::split(import_environment, ", \t\r\n")) {
    if (item.contains('=')) {
      out.emplace_back(item);
      continue;
    }
    const std::string name(item);
    if (const char* value = std::getenv(name.c_str()); value != nullptr) out.push_back(name + "=" + value);
  }
  return out;
}

void clean_own_environment(std::string_view import_environment) {
  const std::vector<std::string> kept = clean_environment(import_environment);
  ::clearenv();
  for (const std::string& item : kept) {
    const std::size_t equals = item.find('=');
    ::setenv(item.substr(0, equals).c_str(), item.substr(equals + 1).c_str(), 1);
  }
}

}  // namespace submit
