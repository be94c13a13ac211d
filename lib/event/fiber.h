#pragma once
// A fiber: an execution with its own stack that runs in one loop's thread until it parks. Internal to lib/event;
// everybody else uses loop.h.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "lib/base/deadline.h"
#include "lib/event/annotate.h"
#include "lib/event/context.h"
#include "lib/event/stack_pool.h"
#include "lib/event/timers.h"

namespace event {

class Scheduler;

class Fiber final : public Timer {
 public:
  Fiber(Scheduler& scheduler, std::string name, std::function<void()> body, Stack stack);
  ~Fiber() override;

  // The fiber that this thread runs, or null.
  [[nodiscard]] static Fiber* current();

  // The only way out of a running fiber before its end. Returns when woken (true) or at the deadline (false); it may also
  // return true without cause, so the caller looks at its condition again. Throws Cancelled before and after the wait
  // once cancel() was called, unless shielded. For the running fiber only.
  bool park(Deadline deadline);
  // Lets the others that are ready run first.
  void yield();
  // Lets a parked fiber run at the loop's next turn. Harmless in any other state.
  void wake();
  void cancel();

  void add_shield() { ++shields_; }
  void remove_shield() { --shields_; }
  void add_no_wait_scope() { ++no_wait_scopes_; }
  void remove_no_wait_scope() { --no_wait_scopes_; }

  void due(Deadline now) override;

  [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Stack& stack() const { return stack_; }

 private:
  friend class Scheduler;
  enum class State { ready, running, parked, ended };

  static void start(void* fiber);
  void check_may_wait() const;
  void throw_if_cancelled() const;
  void leave();  // to the loop, until it resumes this fiber

  // The C++ runtime's per-thread record of exceptions in flight; each fiber has its own, or two fibers in catch handlers
  // would rethrow each other's exception.
  struct ExceptionState {
    void* caught = nullptr;
    unsigned uncaught = 0;
  };
  // Exchanges it with the thread's.
  void swap_exceptions();

  Scheduler& scheduler_;
  std::string name_;
  std::function<void()> body_;
  Stack stack_;
  Context context_;
  annotate::Execution execution_;
  ExceptionState exceptions_;
  unsigned long log_session_;
  Fiber* next_ready_ = nullptr;
  std::size_t place_ = 0;  // in the scheduler's list
  Deadline wanted_ = base::no_deadline;
  State state_ = State::parked;
  bool timed_out_ = false;
  bool cancelled_ = false;
  int shields_ = 0;
  int no_wait_scopes_ = 0;
};

}  // namespace event
