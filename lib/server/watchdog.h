#pragma once
// Ends the process when its loop has not turned for so long: whatever it is stuck in, its successor may do better.

#include <chrono>
#include <memory>

#include "lib/event/loop.h"

namespace server {

class Watchdog {
 public:
  // Of this thread's loop.
  explicit Watchdog(std::chrono::seconds limit);

 private:
  void beat();

  const std::chrono::seconds limit_;
  std::unique_ptr<event::Loop::Watch> next_;
};

}  // namespace server
