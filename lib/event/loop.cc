#include "lib/event/loop.h"

#include <utility>

#include "lib/base/check.h"
#include "lib/event/fiber.h"
#include "lib/event/scheduler.h"
#include "lib/log/log.h"

namespace event {
namespace {

thread_local Loop* loop_of_thread = nullptr;

// How long a loop that is destroyed waits for its fibers' ends.
constexpr std::chrono::seconds destruction_patience{10};

// How soon lines that the log daemon did not take are offered again.
constexpr std::chrono::milliseconds log_retry_delay{100};

// A hook on a descriptor or signal.
class EventWatch final : public Loop::Watch {
 public:
  EventWatch(Scheduler& scheduler, reactor::Kind kind, int what, std::function<void()> hook)
      : hook_(std::move(hook)), scheduler_(scheduler) {
    registration_.assign(scheduler.base(), kind, what, [](void* self, reactor::What) {
      // A copy, because the hook may destroy the watch.
      const std::function<void()> call = static_cast<EventWatch*>(self)->hook_;
      call();
    }, this);
    if (!registration_.add()) maillog::fatal("cannot watch descriptor or signal {}", what);
  }
  ~EventWatch() override {
    if (Scheduler::find() == &scheduler_) registration_.remove();
  }

 private:
  reactor::Registration registration_;
  std::function<void()> hook_;
  Scheduler& scheduler_;
};

class TimerWatch final : public Loop::Watch, private Timer {
 public:
  TimerWatch(Scheduler& scheduler, Deadline at, std::function<void()> hook)
      : hook_(std::move(hook)), scheduler_(scheduler) {
    scheduler.timers().set(*this, at);
  }
  ~TimerWatch() override {
    if (Scheduler::find() == &scheduler_) scheduler_.timers().remove(*this);
  }

 private:
  void due(Deadline) override {
    const std::function<void()> call = hook_;
    call();
  }
  std::function<void()> hook_;
  Scheduler& scheduler_;
};

}  // namespace

struct Loop::State {
  Scheduler scheduler;
  std::unique_ptr<Watch> log_retry;
};

Loop::Loop() : state_(std::make_unique<State>()) { loop_of_thread = this; }

Loop::~Loop() {
  cancel_all(base::after(destruction_patience));
  loop_of_thread = nullptr;
}

Loop* Loop::find() { return Scheduler::find() == nullptr ? nullptr : loop_of_thread; }

Loop& Loop::current() {
  Loop* const loop = find();
  CHECK(loop != nullptr);
  return *loop;
}

Result<FiberRef> Loop::spawn(std::string name, std::function<void()> body) {
  return FiberRef(TRY(state_->scheduler.spawn(std::move(name), std::move(body))));
}

void Loop::run() {
  run_until([] { return false; });
}

void Loop::run_until(const std::function<bool()>& until) {
  state_->scheduler.run(until);
}

void Loop::stop() { state_->scheduler.stop(); }

void Loop::cancel_all(Deadline deadline) {
  Scheduler& scheduler = state_->scheduler;
  bool is_late = false;
  const auto alarm = deadline == base::no_deadline
                         ? nullptr
                         : timer(deadline - std::chrono::steady_clock::now(), [&is_late] { is_late = true; });
  scheduler.run([&] {
    scheduler.cancel_all();  // at each turn: a fiber may have been spawned by one that ends
    return is_late || scheduler.fibers() == 0;
  });
}

void Loop::before_wait(std::function<void()> hook) { state_->scheduler.before_wait(std::move(hook)); }

void Loop::carry_log() {
  before_wait([this] {
    maillog::flush();
    if (!maillog::is_behind() || state_->log_retry) return;
    state_->log_retry = timer(log_retry_delay, [this] { state_->log_retry.reset(); });
  });
}

std::unique_ptr<Loop::Watch> Loop::watch_readable(int fd, std::function<void()> hook) {
  return std::make_unique<EventWatch>(state_->scheduler, reactor::Kind::readable_level, fd, std::move(hook));
}

std::unique_ptr<Loop::Watch> Loop::watch_writable(int fd, std::function<void()> hook) {
  return std::make_unique<EventWatch>(state_->scheduler, reactor::Kind::writable_level, fd, std::move(hook));
}

std::unique_ptr<Loop::Watch> Loop::watch_signal(int signal, std::function<void()> hook) {
  return std::make_unique<EventWatch>(state_->scheduler, reactor::Kind::signal, signal, std::move(hook));
}

std::unique_ptr<Loop::Watch> Loop::timer(std::chrono::steady_clock::duration delay, std::function<void()> hook) {
  return std::make_unique<TimerWatch>(state_->scheduler, base::after(delay), std::move(hook));
}

std::size_t Loop::fibers() const { return state_->scheduler.fibers(); }

void FiberRef::cancel() const {
  if (const auto fiber = fiber_.lock()) fiber->cancel();
}

bool in_fiber() { return Fiber::current() != nullptr; }

Shield::Shield() {
  if (Fiber* const fiber = Fiber::current()) fiber->add_shield();
}

Shield::~Shield() {
  if (Fiber* const fiber = Fiber::current()) fiber->remove_shield();
}

NoWait::NoWait() {
  if (Fiber* const fiber = Fiber::current()) fiber->add_no_wait_scope();
}

NoWait::~NoWait() {
  if (Fiber* const fiber = Fiber::current()) fiber->remove_no_wait_scope();
}

}  // namespace event
