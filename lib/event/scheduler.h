#pragma once
// The machine below Loop: which fibers there are, which are ready, what is due, and the wait for events. Internal to
// lib/event.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/event/fiber.h"
#include "lib/event/reactor.h"
#include "lib/event/stack_pool.h"
#include "lib/event/timers.h"
#include "lib/event/turn_watch.h"

namespace event {

class OffloadPool;

// How much of what is ready runs between two looks at descriptors and time.
inline constexpr int turn_fibers_limit = 256;
inline constexpr std::chrono::milliseconds turn_time_limit{10};
// A fiber that never has to wait gives way after this time, at its next breathe().
inline constexpr std::chrono::milliseconds fiber_time_limit{2};

class Scheduler {
 public:
  Scheduler();
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // This thread's, or null. A forked child has none: it may not touch the parent's epoll set.
  [[nodiscard]] static Scheduler* find();

  [[nodiscard]] Result<std::shared_ptr<Fiber>> spawn(std::string name, std::function<void()> body);
  // Turns until stop(), or until `until` says so between running the ready and waiting for events.
  void run(const std::function<bool()>& until);
  void stop();
  void cancel_all();
  void before_wait(std::function<void()> hook) { hooks_.push_back(std::move(hook)); }

  [[nodiscard]] Fiber* running() const { return running_; }
  [[nodiscard]] bool is_fiber_over_time() const { return turn_watch_.since_last() >= fiber_time_limit; }
  [[nodiscard]] std::size_t fibers() const { return fibers_.size(); }
  [[nodiscard]] Timers& timers() { return timers_; }
  [[nodiscard]] reactor::Base& base() { return base_; }
  // Differs between any two schedulers of the process, so that a registration knows whether its own is still there.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  // The threads for what must block; they start here at the first use.
  [[nodiscard]] OffloadPool& offload();

 private:
  friend class Fiber;

  void enqueue(Fiber& fiber);
  // For a fiber that was enqueued by its own wish: it runs again only after a look at descriptors and time.
  void give_way_to_events(Fiber& fiber) {
    if (first_that_gave_way_ == nullptr) first_that_gave_way_ = &fiber;
  }
  void run_ready();
  void wait_for_events();
  void resume(Fiber& fiber);
  void retire(Fiber& fiber);
  void arm_clock();

  reactor::Base base_;
  std::uint64_t generation_;
  Context home_;
  annotate::Execution home_execution_;
  Fiber* running_ = nullptr;
  Fiber* first_ready_ = nullptr;
  Fiber* last_ready_ = nullptr;
  Fiber* first_that_gave_way_ = nullptr;  // in this turn
  std::vector<std::shared_ptr<Fiber>> fibers_;
  StackPool stacks_;
  Timers timers_;
  reactor::Registration clock_;                          // fires no later than the first timer
  Deadline clock_at_ = base::no_deadline;    // when it fires
  std::vector<std::function<void()>> hooks_;
  TurnWatch turn_watch_;
  std::unique_ptr<OffloadPool> offload_;
  bool stopped_ = false;
};

}  // namespace event
