#include "qmgr/clock_jumps.h"

#include <chrono>

namespace qmgr {
namespace {

// What is less is a clock that is being set right little by little.
constexpr Stamp::duration smallest_jump = std::chrono::minutes(1);
constexpr int drift = 1000;                 // parts of the time that has passed, of which one may be the clock's error
constexpr std::size_t jumps_limit = 16;     // older ones are forgotten

bool is_jump(Stamp::duration by) { return std::chrono::abs(by) > smallest_jump; }

// The most of it, at least: a small correction later is a jump of its own.
bool takes_back(Stamp::duration by, Stamp::duration earlier) {
  const bool is_opposite = (by > Stamp::duration::zero()) != (earlier > Stamp::duration::zero());
  return is_opposite && std::chrono::abs(by) > std::chrono::abs(earlier) / 2;
}

}  // namespace

void ClockJumps::look(Stamp wall, Deadline steady) {
  const auto passed = std::chrono::duration_cast<Stamp::duration>(steady - steady_);
  const Stamp::duration by = wall - wall_ - passed;
  wall_ = wall;
  steady_ = steady;
  if (!is_jump(by) || std::chrono::abs(by) <= passed / drift) return;
  if (!jumps_.empty() && takes_back(by, jumps_.back().by)) {
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
