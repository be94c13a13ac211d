#include "lib/server/watchdog.h"

#include <csignal>

#include <unistd.h>

#include "lib/log/log.h"

namespace server {
namespace {

constexpr unsigned seconds_to_log = 10;

// What is interrupted may be the allocator or the log: if the line cannot be written, the second alarm ends us without it.
void on_alarm(int) {
  ::signal(SIGALRM, SIG_DFL);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGALRM);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::alarm(seconds_to_log);
  maillog::fatal("watchdog timeout");
}

}  // namespace

Watchdog::Watchdog(std::chrono::seconds limit) : limit_(limit) {
  struct sigaction action {};
  action.sa_handler = on_alarm;
  ::sigaction(SIGALRM, &action, nullptr);
  beat();
}

void Watchdog::beat() {
  ::alarm(static_cast<unsigned>(limit_.count()));
  next_ = event::Loop::current().timer(std::chrono::milliseconds(limit_) / 3, [this] { beat(); });
}

}  // namespace server
