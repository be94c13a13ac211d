#include "lib/event/fd_wait.h"

#include <span>

#include "lib/base/check.h"
#include "lib/event/blocking_wait.h"
#include "lib/event/fiber.h"
#include "lib/event/scheduler.h"

namespace event {

FdWait::Side::~Side() {
  CHECK(waiter == nullptr);
  if (is_armed()) registration.remove();
}

// A loop that has ended took its events along; and a forked child shares its parent's epoll set, which is not its own
// to change.
bool FdWait::Side::is_armed() const {
  const Scheduler* const scheduler = Scheduler::find();
  return scheduler != nullptr && scheduler->generation() == armed_in;
}

void FdWait::Side::arm(Scheduler& scheduler, Ready what) {
  const bool reads = what == Ready::readable;
  registration.assign(scheduler.base(), reads ? reactor::Kind::readable_edge : reactor::Kind::writable_edge, fd,
                      [](void* self, reactor::What what_happened) {
                        auto& fired = *static_cast<Side*>(self);
                        fired.is_ready = true;
                        if (what_happened == reactor::What::closed) fired.is_closed = true;
                        if (fired.waiter != nullptr) fired.waiter->wake();
                      },
                      this);
  if (registration.add()) {
    armed_in = scheduler.generation();
    // When another event watched the descriptor already, what is there now makes no new edge.
    ::pollfd now{.fd = fd, .events = static_cast<short>(reads ? POLLIN : POLLOUT), .revents = 0};
    is_ready = poll_until(std::span(&now, 1), Deadline::min()) != 0;
  } else {
    is_ready = true;  // what epoll does not take (a regular file) never blocks
  }
}

bool FdWait::Side::wait(Ready what, Deadline deadline) {
  Fiber* const fiber = Fiber::current();
  if (fiber == nullptr) {
    ::pollfd one{.fd = fd, .events = static_cast<short>(what == Ready::readable ? POLLIN : POLLOUT), .revents = 0};
    return poll_until(std::span(&one, 1), deadline) != 0;
  }
  if (!is_armed()) arm(fiber->scheduler(), what);
  CHECK(waiter == nullptr);
  struct Waiting {
    Side& side;
    ~Waiting() { side.waiter = nullptr; }
  } waiting{*this};
  waiter = fiber;
  while (!is_ready) {
    if (!fiber->park(deadline)) break;
  }
  const bool ready = is_ready;
  is_ready = false;
  return ready;
}

}  // namespace event
