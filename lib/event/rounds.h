#pragma once
// Blocking work of several fibers done in one visit to the pool: while as many rounds run as may, who comes waits and
// shares the next one with all who do. For work that is quick once the disk is at it, where a thread for each would cost
// more than the work.

#include <functional>
#include <memory>

#include "lib/base/error.h"

namespace event {

class Rounds {
 public:
  // `last` ends each round, after the work of all; its result is everybody's.
  explicit Rounds(int limit, std::function<Result<void>()> last = {}) : limit_(limit), last_(std::move(last)) {}
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;

  // Runs `work` in a round that begins after this call, as blocking() would, and returns what `last` has said. Not cancelled.
  [[nodiscard]] Result<void> run(const std::function<void()>& work);

 private:
  struct Round;
  void run_next();

  int limit_;
  std::function<Result<void>()> last_;
  int running_ = 0;
  std::shared_ptr<Round> next_;
};

}  // namespace event
