#pragma once
// Points in time. A wait ends at a Deadline of the steady clock, so that a clock that is set does not stretch it; what
// is written to disk or shown is a system_clock stamp. Code that decides by time takes a `const Clock&`, and tests pass
// their own.

#include <chrono>
#include <cstddef>

#include <time.h>

namespace base {

using Deadline = std::chrono::steady_clock::time_point;
using Stamp = std::chrono::system_clock::time_point;

inline constexpr Deadline no_deadline = Deadline::max();

// Most waits are for seconds: for them the time of the kernel's last tick (some milliseconds ago) does, at a tenth of the
// cost, which every read and write would pay.
[[nodiscard]] inline Deadline after(std::chrono::steady_clock::duration wait) {
  if (wait < std::chrono::seconds(1)) return std::chrono::steady_clock::now() + wait;
  timespec tick{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &tick);
  return Deadline(std::chrono::seconds(tick.tv_sec) + std::chrono::nanoseconds(tick.tv_nsec)) + wait;
}

// For work in many small pieces, to each of which it gives at least `wait` less what one step takes: looking at the clock
// costs more than a line of text.
class RollingDeadline {
 public:
  static constexpr std::size_t step = 4096;  // bytes of work

  explicit RollingDeadline(std::chrono::steady_clock::duration wait) : wait_(wait) {}
  // For a piece of work.
  [[nodiscard]] Deadline of(std::size_t bytes) {
    if (left_ <= bytes) {
      until_ = after(wait_);
      left_ = step;
    } else {
      left_ -= bytes;
    }
    return until_;
  }

 private:
  std::chrono::steady_clock::duration wait_;
  Deadline until_{};
  std::size_t left_ = 0;
};

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  [[nodiscard]] virtual Deadline now() const { return std::chrono::steady_clock::now(); }
  [[nodiscard]] virtual Stamp stamp() const { return std::chrono::system_clock::now(); }
};

// The machine's own clocks.
[[nodiscard]] inline const Clock& system_clock() {
  static const Clock clock;
  return clock;
}

}  // namespace base

using base::Deadline;
using base::Stamp;
