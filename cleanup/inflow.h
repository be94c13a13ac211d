#pragma once
// in_flow_delay: who sends faster than the queue manager takes is slowed down, so that what has come is delivered as well.

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

namespace cleanup {

class Inflow {
 public:
  // `allowance`: as many complete messages may wait in `directory`, incoming/, before a new one is delayed. A delay of 0: none is.
  Inflow(std::string directory, std::chrono::seconds delay, std::size_t allowance)
      : directory_(std::move(directory)), delay_(delay), allowance_(allowance) {}

  // Before each new message. Parks.
  void pass();

 private:
  [[nodiscard]] std::size_t backlog() const;

  std::string directory_;
  std::chrono::seconds delay_;
  std::size_t allowance_;
  std::size_t at_most_ = 0;  // so many may wait now: what was there at the last look, and all that have come since
};

}  // namespace cleanup
