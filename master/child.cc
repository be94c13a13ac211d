#include "master/child.h"

#include <sys/socket.h>

namespace master {

Child::Child(pid_t pid, Fd control, std::function<void()> on_change)
    : pid_(pid), control_(std::move(control)), on_change_(std::move(on_change)) {
  watch_ = event::Loop::current().watch_readable(control_.get(), [this] { hear(); });
}

void Child::hear() {
  char byte = 0;
  const ssize_t size = ::recv(control_.get(), &byte, 1, MSG_DONTWAIT);
  if (size < 0) return;
  if (size == 0) {
    // Its end of the socket is gone; that it has ended is told by SIGCHLD.
    state_ = ChildState::leaving;
    watch_.reset();
    return on_change_();
  }
  if (state_ == ChildState::leaving) return;
  switch (static_cast<server::ChildSays>(byte)) {
    case server::ChildSays::available:
      state_ = ChildState::available;
      has_started_ = true;
      break;
    case server::ChildSays::full: state_ = ChildState::full; break;
    case server::ChildSays::leaving: state_ = ChildState::leaving; break;
  }
  on_change_();
}

void Child::drain() {
  is_drained_ = true;
  state_ = ChildState::leaving;
  tell(server::MasterSays::drain);
}

void Child::tell(server::MasterSays word) const {
  const char byte = static_cast<char>(word);
  [[maybe_unused]] const ssize_t ignored = ::send(control_.get(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace master
