#pragma once
// What qmgr knows of the clock, from one process to the next: a small file in data_directory. Without it a clock that was
// set while no qmgr ran would make all mail as old as it says.

#include <string>
#include <utility>

#include "lib/base/deadline.h"
#include "qmgr/clock_jumps.h"

namespace qmgr {

// In data_directory; the first is written under the second's name.
inline constexpr const char* clock_file = "qmgr_clock";
inline constexpr const char* new_clock_file = "qmgr_clock.tmp";

class ClockMemory {
 public:
  static ClockMemory open(const std::string& data_directory);

  [[nodiscard]] ClockJumps restore(const base::Clock& clock) const;
  // What cannot be written is logged; the next process then knows less.
  void keep(const ClockJumps& jumps) const;

 private:
  ClockMemory(std::string directory, std::string boot) : directory_(std::move(directory)), boot_(std::move(boot)) {}

  std::string directory_;
  std::string boot_;  // this run of the kernel; its steady clock has begun with it
};

}  // namespace qmgr
