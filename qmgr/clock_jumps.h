#pragma once
// How old a message is when somebody has set the clock: the time that the clock has leapt over is no age. A machine whose
// clock jumps ahead by a year, for an hour, must not return all mail that waits.

#include <vector>

#include "lib/base/deadline.h"

namespace qmgr {

class ClockJumps {
 public:
  ClockJumps(Stamp wall, Deadline steady) : wall_(wall), steady_(steady) {}

  // Compares the two clocks with what they were the last time. A jump that is taken back is none.
  void look(Stamp wall, Deadline steady);

  // How long ago `arrived` was at the last look, without what the clock has leapt ahead since.
  [[nodiscard]] Stamp::duration age(Stamp arrived) const;

 private:
  struct Jump {
    Stamp after;          // where it led
    Stamp::duration by;
  };

  Stamp wall_;
  Deadline steady_;
  std::vector<Jump> jumps_;
};

}  // namespace qmgr
