#pragma once
// Finds who keeps the loop: a turn in which nobody else can run must be short. A turn counts as long only when this
// thread worked or slept in it; on a machine that simply gave the processor to others nothing is logged.

#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/event/sanitizers.h"

namespace event {

// A sanitizer makes all work take several times as long.
inline constexpr std::chrono::milliseconds long_turn{is_sanitized ? 500 : 50};

class TurnWatch {
 public:
  TurnWatch();
  // A turn begins: the wait for events is over.
  void began();
  // A fiber ran until now.
  void ran(std::string_view fiber);
  // The turn is over; logs it when it was long.
  void ended();
  [[nodiscard]] std::chrono::steady_clock::duration turn_so_far() const { return now_ - turn_began_; }
  [[nodiscard]] std::chrono::steady_clock::duration since_last() const { return std::chrono::steady_clock::now() - now_; }
  // The time of the last call above.
  [[nodiscard]] Deadline now() const { return now_; }

 private:
  // What the kernel has counted for this thread.
  struct Usage {
    std::chrono::microseconds processor{};
    long sleeps = 0;
    static Usage of_thread();
  };
  void snapshot();

  Deadline now_, turn_began_, snapshot_at_;
  Usage usage_;
  long turns_since_snapshot_ = 0;
  std::chrono::steady_clock::duration longest_{};
  std::string longest_name_;  // set only for a run that is long by itself
};

}  // namespace event
