#pragma once
// How old a message is when somebody has set the clock: the time that the clock has leapt over is no age. A machine whose
// clock jumps ahead by a year, for an hour, must not return all mail that waits. What is known is kept in a file, since the
// clock may be set while no qmgr runs.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"

namespace qmgr {

class ClockJumps {
 public:
  ClockJumps(Stamp wall, Deadline steady) : wall_(wall), steady_(steady) {}

  // As saved by an earlier process; what does not parse says nothing. The steady clock begins anew with each boot of the
  // machine: of a machine that was off nobody knows how long, so that time is no age either.
  static ClockJumps restored(std::string_view saved, std::string_view boot, Stamp wall, Deadline steady);
  [[nodiscard]] std::string saved(std::string_view boot) const;

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
