#pragma once
// Waiting again and again for one descriptor: its registration in the loop stays between waits, so that a wait costs no
// system call but the loop's own. The owner tries its read or write first and waits only after EAGAIN:
//
//   for (;;) {
//     wait_.clear(Ready::readable);
//     n = recv(...);
//     if (n >= 0 || errno != EAGAIN) break;
//     if (!wait_.wait(Ready::readable, deadline)) return timeout;
//   }
//
// The events are edge-triggered: what arrives after the EAGAIN ends the wait, what arrived before it was read. Outside of
// a fiber a wait blocks in poll(2).

#include <cstdint>

#include "lib/base/deadline.h"
#include "lib/event/loop.h"
#include "lib/event/reactor.h"

namespace event {

class Scheduler;

class FdWait {
 public:
  explicit FdWait(int fd) : reading_{fd}, writing_{fd} {}  // borrowed; must outlive this
  FdWait(const FdWait&) = delete;
  FdWait& operator=(const FdWait&) = delete;
  ~FdWait() = default;

  // Forgets readiness that was seen earlier.
  void clear(Ready what) { side(what).is_ready = false; }
  // Whether a try now can only end in EAGAIN, given that the last read took less than it had room for: nothing has come
  // since. Saves the system call. The end of the stream may have come with those bytes and makes no edge of its own.
  [[nodiscard]] bool is_surely_drained() const {
    return reading_.is_armed() && !reading_.is_ready && !reading_.is_closed;
  }
  // False at the deadline. True may come early: the caller tries again. One fiber may wait for each kind of readiness.
  [[nodiscard]] bool wait(Ready what, Deadline deadline) { return side(what).wait(what, deadline); }

 private:
  struct Side {
    explicit Side(int descriptor) : fd(descriptor) {}
    Side(const Side&) = delete;
    Side& operator=(const Side&) = delete;
    ~Side();
    bool wait(Ready what, Deadline deadline);
    void arm(Scheduler& scheduler, Ready what);
    [[nodiscard]] bool is_armed() const;

    int fd;
    reactor::Registration registration;
    std::uint64_t armed_in = 0;  // the generation of the scheduler that has the event; 0 none
    Fiber* waiter = nullptr;
    bool is_ready = false;
    bool is_closed = false;
  };
  Side& side(Ready what) { return what == Ready::readable ? reading_ : writing_; }

  Side reading_;
  Side writing_;
};

}  // namespace event
