#pragma once
// One process of a service: the socket to it, and what it said last.

#include <functional>
#include <memory>

#include <sys/types.h>

#include "lib/base/deadline.h"
#include "lib/base/fd.h"
#include "lib/event/loop.h"
#include "lib/server/master_protocol.h"

namespace master {

enum class ChildState {
  starting,   // has not spoken yet
  available,  // accepts clients
  full,       // serves its share, accepts no more for now
  leaving,    // accepts no more; ends with its last client
};

class Child {
 public:
  // `on_change` is called when the child's state has changed.
  Child(pid_t pid, Fd control, std::function<void()> on_change);

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] ChildState state() const { return state_; }
  // It has been available at least once: it could read its configuration.
  [[nodiscard]] bool has_started() const { return has_started_; }
  [[nodiscard]] bool takes_clients() const { return state_ == ChildState::starting || state_ == ChildState::available; }

  void drain();
  // It was told to end.
  [[nodiscard]] bool is_drained() const { return is_drained_; }
  void tell(server::MasterSays word) const;

 private:
  void hear();

  pid_t pid_;
  Fd control_;
  std::function<void()> on_change_;
  std::unique_ptr<event::Loop::Watch> watch_;
  ChildState state_ = ChildState::starting;
  bool has_started_ = false;
  bool is_drained_ = false;
};

}  // namespace master
