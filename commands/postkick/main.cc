// postkick(1): sends a few bytes to a service of the suite. Run by whoever may reach the service's socket: root, and for
// public services the group of postdrop.

#include <cerrno>
#include <cstring>
#include <string>

#include <unistd.h>

#include "commands/postkick/postkick_params.h"
#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/event/loop.h"
#include "lib/io/socket.h"
#include "lib/io/stream.h"
#include "lib/log/log.h"

namespace {

constexpr std::chrono::milliseconds full_backlog_pause{50};

// Where the backlog is full, tried again until the deadline.
Result<Fd> connect(const std::string& socket, Deadline deadline) {
  for (;;) {
    auto connected = io::connect_unix(socket, deadline);
    const Deadline next = base::after(full_backlog_pause);
    if (connected || connected.error().code() != EAGAIN || next >= deadline) return connected;
    event::sleep_until(next);
  }
}

// What is in the socket's buffer reaches the service also when we are gone. A NUL ends it, as in Postfix: services that
// are no part of the suite may count on it.
bool send(const std::string& socket, const std::string& request, std::chrono::seconds patience) {
  const Deadline deadline = base::after(patience);
  auto connected = connect(socket, deadline);
  if (!connected) {
    const int code = connected.error().code();
    maillog::warning("{} {}: {}", code == ECONNREFUSED || code == EAGAIN ? "connect to" : "unable to look up", socket,
                     std::strerror(code));
    return false;
  }
  io::Stream stream(std::move(*connected));
  stream.write(std::string_view(request.c_str(), request.size() + 1), deadline);
  return stream.flush(deadline) == io::End::ok;
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/postkick");
  constexpr std::string_view usage = "usage: postkick [-c config_dir] [-v] class service request";
  std::string directory = config::config_directory_from_environment();
  for (int option; (option = ::getopt(argc, argv, "+c:v")) != -1;) {
    switch (option) {
      case 'c': directory = optarg; break;
      case 'v': break;
      default: maillog::fatal("{}", usage);
    }
  }
  if (argc - optind != 3) maillog::fatal("{}", usage);
  const std::string category = argv[optind], service = argv[optind + 1], request = argv[optind + 2];

  const auto main_cf = config::Main::read(directory);
  if (!main_cf) maillog::fatal("{}", main_cf.error().message());
  const auto params = postkick::Params::load(*main_cf);
  if (!params) maillog::fatal("{}", params.error().message());
  config::open_log(*main_cf, "postkick", config::LogUser::command);
  if (::chdir(params->queue_directory.c_str()) != 0) {
    maillog::fatal("{}", base::Error::system("chdir " + params->queue_directory).message());
  }
  if (send(category + "/" + service, request, params->application_event_drain_time)) return 0;
  maillog::warning("Cannot contact class {} service {} - perhaps the mail system is down", category, service);
  return 1;
}
