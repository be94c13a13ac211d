#include "qmgr/clock_jumps.h"

#include <chrono>

namespace qmgr {
namespace {

// What is less is a clock that is being set right little by little.
constexpr Stamp::duration smallest_jump = std::chrono::minutes(1);
constexpr int drift = 1000;                 // parts of the time that has passed, of which one may be the clock's error
constexpr std::size_t jumps_limit = 16;     // older ones are forgotten

bool is_jump(Stamp::duration by) { return std::chrono::abs(by) > smallest_jump; }

}  // namespace

void ClockJumps::look(Stamp wall, Deadline steady) {
  const auto passed = std::chrono::duration_cast<Stamp::duration>(steady - steady_);
  const Stamp::duration by = wall - wall_ - passed;
  wall_ = wall;
  steady_ = steady;
  if (!is_jump(by) || std::chrono::abs(by) <= passed / drift) return;
  if (!jumps_.empty() && (jumps_.back().by > Stamp::duration::zero()) != (by > Stamp::duration::zero())) {
    jumps_.back() = {wall, jumps_.back().by + by};
    if (!is_jump(jumps_.back().by)) jumps_.pop_back();
    return;
  }
  if (jumps_.size() == jumps_limit) jumps_.erase(jumps_.begin());
  jumps_.push_back({wall, by});
}

Stamp::duration ClockJumps::age(Stamp arrived) const {
  Stamp::duration age = wall_ - arrived;
  for (const Jump& jump : jumps_) {
    if (jump.by > Stamp::duration::zero() && arrived <= jump.after - jump.by) age -= jump.by;
  }
  return age;
}

}  // namespace qmgr
