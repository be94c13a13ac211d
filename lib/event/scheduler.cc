#include "lib/event/scheduler.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include <pthread.h>

#include "lib/base/check.h"
#include "lib/event/fault.h"
#include "lib/event/loop.h"
#include "lib/event/offload_pool.h"
#include "lib/log/log.h"

namespace event {
namespace {

// Which scheduler a thread has is a fact about the thread; everything else hangs off it.
thread_local Scheduler* scheduler_of_thread = nullptr;

void forget_after_fork() { scheduler_of_thread = nullptr; }

std::uint64_t next_generation() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

Scheduler* Scheduler::find() { return scheduler_of_thread; }

Scheduler::Scheduler() : generation_(next_generation()) {
  CHECK(scheduler_of_thread == nullptr);
  static const int fork_handler = ::pthread_atfork(nullptr, nullptr, &forget_after_fork);
  CHECK(fork_handler == 0);
  fault::install();
  annotate::adopt_thread(home_execution_);
  clock_.assign(base_, reactor::Kind::clock, -1, [](void* at, reactor::What) { *static_cast<Deadline*>(at) = base::no_deadline; },
                &clock_at_);
  scheduler_of_thread = this;
}

Scheduler::~Scheduler() {
  CHECK(fibers_.empty());
  clock_.remove();
  offload_.reset();
  scheduler_of_thread = nullptr;
}

Result<std::shared_ptr<Fiber>> Scheduler::spawn(std::string name, std::function<void()> body) {
  auto fiber = std::make_shared<Fiber>(*this, std::move(name), std::move(body), TRY(stacks_.take()));
  fiber->place_ = fibers_.size();
  fibers_.push_back(fiber);
  fiber->wake();
  return fiber;
}

void Scheduler::enqueue(Fiber& fiber) {
  fiber.next_ready_ = nullptr;
  (last_ready_ == nullptr ? first_ready_ : last_ready_->next_ready_) = &fiber;
  last_ready_ = &fiber;
}

// What is woken meanwhile runs too, which spares a look at the descriptors; what gave way waits for that look.
void Scheduler::run_ready() {
  first_that_gave_way_ = nullptr;
  for (int count = 0; count < turn_fibers_limit && first_ready_ != first_that_gave_way_; ++count) {
    Fiber& fiber = *first_ready_;
    first_ready_ = fiber.next_ready_;
    if (first_ready_ == nullptr) last_ready_ = nullptr;
    resume(fiber);
    if (turn_watch_.turn_so_far() >= turn_time_limit) return;
  }
}

void Scheduler::resume(Fiber& fiber) {
  const unsigned long session = maillog::session();
  maillog::set_session(fiber.log_session_);
  fiber.swap_exceptions();
  fiber.state_ = Fiber::State::running;
  running_ = &fiber;

  annotate::leaving(home_execution_, fiber.execution_);
  home_.switch_to(fiber.context_);
  annotate::arrived(home_execution_, fiber.execution_);

  running_ = nullptr;
  fiber.swap_exceptions();
  fiber.log_session_ = maillog::session();
  maillog::set_session(session);
  turn_watch_.ran(fiber.name());
  if (fiber.state_ == Fiber::State::ended) retire(fiber);
}

void Scheduler::retire(Fiber& fiber) {
  timers_.remove(fiber);
  stacks_.give(std::move(fiber.stack_));
  const std::size_t place = fiber.place_;
  std::swap(fibers_[place], fibers_.back());
  fibers_[place]->place_ = place;
  fibers_.pop_back();
}

void Scheduler::arm_clock() {
  const Deadline first = timers_.first();
  if (clock_at_ <= first) return;
  clock_at_ = first;
  const Deadline now = std::chrono::steady_clock::now();
  const auto wait = first <= now ? std::chrono::steady_clock::duration::zero() : first - now;
  clock_.add_once_after(std::chrono::ceil<std::chrono::microseconds>(wait));
}

void Scheduler::run(const std::function<bool()>& until) {
  CHECK(running_ == nullptr);
  stopped_ = false;
  for (;;) {
    run_ready();
    for (const auto& hook : hooks_) hook();
    if (stopped_ || until()) return;
    wait_for_events();
  }
}

void Scheduler::wait_for_events() {
  arm_clock();
  turn_watch_.ended();
  base_.dispatch(first_ready_ != nullptr ? reactor::Block::never : reactor::Block::until_event);
  turn_watch_.began();
  if (timers_.first() != base::no_deadline) timers_.run(turn_watch_.now());
}

void Scheduler::stop() {
  stopped_ = true;
  base_.interrupt();
}

void Scheduler::cancel_all() {
  for (const auto& fiber : fibers_) fiber->cancel();
}

OffloadPool& Scheduler::offload() {
  if (!offload_) offload_ = std::make_unique<OffloadPool>(base_);
  return *offload_;
}

}  // namespace event
