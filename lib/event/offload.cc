#include "lib/event/offload.h"

#include <optional>
#include <utility>

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
class DirectorySync::Round {
 public:
  void end(Result<void> result) {
    result_ = std::move(result);
    waiting_.wake_all();
  }
  [[nodiscard]] Result<void> wait() {
    while (!result_) static_cast<void>(waiting_.wait(base::no_deadline));
    return *result_;
  }

 private:
  WaitList waiting_;
  std::optional<Result<void>> result_;
};

std::shared_ptr<DirectorySync::Round> DirectorySync::begin() {
  if (!next_) next_ = std::make_shared<Round>();
  const std::shared_ptr<Round> round = next_;
  if (!in_fiber()) {
    next_.reset();
    round->end(fsync_descriptor(directory_fd_));
  } else if (running_ < rounds_limit) {
    start_next();
  }
  return round;
}

Result<void> DirectorySync::finish(const std::shared_ptr<Round>& round) { return round->wait(); }

// In a fiber of its own: nobody who is cancelled leaves others waiting.
void DirectorySync::start_next() {
  const std::shared_ptr<Round> round = std::exchange(next_, nullptr);
  const auto fiber = Loop::current().spawn("sync", [this, round] {
    Result<void> result = fsync_descriptor(directory_fd_);
    --running_;
    round->end(std::move(result));
    if (next_) start_next();
  });
  if (fiber) {
    ++running_;
  } else {
    round->end(base::Failure(fiber.error()));
  }
}

}  // namespace event
