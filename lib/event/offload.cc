#include "lib/event/offload.h"

#include <optional>

#include <unistd.h>

#include "lib/event/fiber.h"
#include "lib/event/loop.h"
#include "lib/event/offload_pool.h"
#include "lib/event/scheduler.h"

namespace event {

void run_blocking(const std::function<void()>& fn) {
  Fiber* const fiber = Fiber::current();
  if (fiber == nullptr) return fn();
  fiber->scheduler().offload().run(*fiber, fn);
}

namespace {

Result<void> fsync_descriptor(int fd) {
  return blocking([fd]() -> Result<void> {
    if (::fsync(fd) != 0) return base::fail_system("fsync");
    return {};
  });
}

}  // namespace

Result<void> fsync(const Fd& file) { return fsync_descriptor(file.get()); }

// One fsync and those whom it serves.
struct DirectorySync::Round {
  WaitList waiting;
  std::optional<Result<void>> result;
};

void DirectorySync::run(const std::shared_ptr<Round>& round) {
  next_.reset();
  running_ = true;
  round->result = fsync_descriptor(directory_fd_);
  running_ = false;
  round->waiting.wake_all();
  // One of those who came meanwhile runs the next round.
  if (next_) next_->waiting.wake_first();
}

Result<void> DirectorySync::sync() {
  if (!in_fiber()) return fsync_descriptor(directory_fd_);
  const Shield shield;  // who was woken to run the round for others must run it
  if (!next_) next_ = std::make_shared<Round>();
  const std::shared_ptr<Round> round = next_;
  while (!round->result) {
    if (!running_) {
      run(round);
    } else if (!round->waiting.wait(base::no_deadline)) {
      break;
    }
  }
  return *round->result;
}

}  // namespace event
