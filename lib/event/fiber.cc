#include "lib/event/fiber.h"

#include <exception>
#include <utility>

#include <cxxabi.h>

#include "lib/base/check.h"
#include "lib/event/loop.h"
#include "lib/event/scheduler.h"
#include "lib/log/log.h"

namespace event {

Fiber::Fiber(Scheduler& scheduler, std::string name, std::function<void()> body, Stack stack)
    : scheduler_(scheduler), name_(std::move(name)), body_(std::move(body)), stack_(std::move(stack)),
      log_session_(maillog::session()) {
  execution_.stack_low = stack_.low();
  execution_.stack_size = stack_size;
  annotate::begin(execution_);
  context_.prepare(stack_, &Fiber::start, this);
}

Fiber::~Fiber() { annotate::end(execution_); }

Fiber* Fiber::current() {
  Scheduler* const scheduler = Scheduler::find();
  return scheduler == nullptr ? nullptr : scheduler->running();
}

void Fiber::start(void* fiber) {
  auto& self = *static_cast<Fiber*>(fiber);
  annotate::arrived(self.execution_, self.scheduler_.home_execution_);
  try {
    self.body_();
  } catch (const Cancelled&) {
    // The end that was asked for. Anything else that is thrown ends the process, with its stack in the core file.
  }
  self.body_ = nullptr;  // what it captured is destroyed here, where it may still log under the fiber's session
  self.state_ = State::ended;
  annotate::leaving_for_good(self.scheduler_.home_execution_);
  self.context_.switch_to(self.scheduler_.home_);
  CHECK(self.state_ != State::ended);
}

void Fiber::throw_if_cancelled() const {
  if (cancelled_ && shields_ == 0) throw Cancelled{};
}

void Fiber::check_may_wait() const {
  CHECK(scheduler_.running() == this);
  CHECK(no_wait_scopes_ == 0);
  // A destructor that runs because of an exception may only wait where no second exception can come.
  CHECK(std::uncaught_exceptions() == 0 || shields_ > 0);
  throw_if_cancelled();
}

void Fiber::leave() {
  annotate::leaving(execution_, scheduler_.home_execution_);
  context_.switch_to(scheduler_.home_);
  annotate::arrived(execution_, scheduler_.home_execution_);
}

bool Fiber::park(Deadline deadline) {
  check_may_wait();
  timed_out_ = false;
  wanted_ = deadline;
  if (deadline != base::no_deadline) scheduler_.timers().set_no_later(*this, deadline);
  state_ = State::parked;
  leave();
  wanted_ = base::no_deadline;
  throw_if_cancelled();
  return !timed_out_;
}

void Fiber::yield() {
  check_may_wait();
  state_ = State::ready;
  scheduler_.enqueue(*this);
  scheduler_.give_way_to_events(*this);
  leave();
  throw_if_cancelled();
}

void Fiber::wake() {
  if (state_ != State::parked) return;
  state_ = State::ready;
  scheduler_.enqueue(*this);
}

void Fiber::cancel() {
  cancelled_ = true;
  if (shields_ == 0) wake();
}

void Fiber::due(Deadline now) {
  if (state_ != State::parked || wanted_ == base::no_deadline) return;
  if (wanted_ > now) {
    scheduler_.timers().set(*this, wanted_);
    return;
  }
  timed_out_ = true;
  wake();
}

void Fiber::swap_exceptions() {
  // The layout that the Itanium C++ ABI gives __cxa_eh_globals (2.2.2).
  auto& thread = *reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals());
  std::swap(thread, exceptions_);
}

}  // namespace event
