// The waits of loop.h: in a fiber they park, elsewhere they block.

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include <poll.h>

#include "lib/base/check.h"
#include "lib/event/blocking_wait.h"
#include "lib/event/fiber.h"
#include "lib/event/loop.h"
#include "lib/event/scheduler.h"

namespace event {
namespace {

short poll_events(const Source& source) {
  switch (source.kind) {
    case Source::Kind::fd_readable: return POLLIN;
    case Source::Kind::fd_writable: return POLLOUT;
    case Source::Kind::notify: return 0;
  }
  return 0;
}

}  // namespace

int poll_until(std::span<::pollfd> fds, Deadline deadline) {
  for (;;) {
    int timeout = -1;
    if (deadline != base::no_deadline) {
      // Compared before it is subtracted: Deadline::min() says "do not wait".
      const Deadline now = std::chrono::steady_clock::now();
      constexpr std::chrono::milliseconds longest = std::chrono::hours(1);
      const auto left = deadline <= now ? std::chrono::milliseconds(0)
                                        : std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
      timeout = static_cast<int>(std::min(left, longest).count());
    }
    const int ready = ::poll(fds.data(), fds.size(), timeout);
    if (ready > 0) return ready;
    if (ready < 0 && errno != EINTR && errno != EAGAIN) return -1;
    if (deadline != base::no_deadline && std::chrono::steady_clock::now() >= deadline) return 0;
  }
}

// The sources of one wait, registered for its length.
class Parking {
 public:
  Parking(Fiber& fiber, std::span<const Source> sources) : sources_(sources) {
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const Source& source = sources[i];
      if (source.kind == Source::Kind::notify) {
        CHECK(source.notify->waiter_ == nullptr);
        source.notify->waiter_ = &fiber;
        continue;
      }
      Entry& entry = entries_[i];
      entry.fiber = &fiber;
      // Edge-triggered, as every event on a descriptor here must be (libevent takes no mix); what was ready before was
      // seen by poll_ready().
      const auto kind = source.kind == Source::Kind::fd_readable ? reactor::Kind::readable_edge : reactor::Kind::writable_edge;
      entry.registration.assign(fiber.scheduler().base(), kind, source.fd, [](void* self, reactor::What) {
        auto& fired = *static_cast<Entry*>(self);
        fired.is_ready = true;
        fired.fiber->wake();
      }, &entry);
      if (entry.registration.add()) {
        entry.is_added = true;
      } else {
        entry.is_ready = true;  // a regular file: always ready
      }
    }
  }
  ~Parking() {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (sources_[i].kind == Source::Kind::notify) sources_[i].notify->waiter_ = nullptr;
      if (entries_[i].is_added) entries_[i].registration.remove();
    }
  }
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;

  [[nodiscard]] std::optional<std::size_t> ready() const {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (sources_[i].kind == Source::Kind::notify ? take(sources_[i]) : entries_[i].is_ready) return i;
    }
    return std::nullopt;
  }

  // What is ready without a wait.
  static std::optional<std::size_t> poll_ready(std::span<const Source> sources, Deadline until) {
    std::array<::pollfd, wait_any_limit> fds{};
    bool has_fd = false;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      fds[i] = {.fd = sources[i].fd, .events = poll_events(sources[i]), .revents = 0};
      has_fd = has_fd || sources[i].fd >= 0;
    }
    if (has_fd) poll_until(std::span(fds).first(sources.size()), until);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (sources[i].kind == Source::Kind::notify ? take(sources[i]) : fds[i].revents != 0) return i;
    }
    return std::nullopt;
  }

 private:
  static bool take(const Source& source) { return std::exchange(source.notify->notified_, false); }

  struct Entry {
    reactor::Registration registration;
    Fiber* fiber = nullptr;
    bool is_added = false;
    bool is_ready = false;
  };
  std::span<const Source> sources_;
  std::array<Entry, wait_any_limit> entries_;
};

std::optional<std::size_t> wait_any(Deadline deadline, std::span<const Source> sources) {
  CHECK(sources.size() <= wait_any_limit);
  Fiber* const fiber = Fiber::current();
  if (fiber == nullptr) return Parking::poll_ready(sources, deadline);
  if (const auto ready = Parking::poll_ready(sources, Deadline::min())) {
    breathe();
    return ready;
  }
  Parking parking(*fiber, sources);
  for (;;) {
    if (const auto ready = parking.ready()) return ready;
    if (!fiber->park(deadline)) return parking.ready();
  }
}

bool wait_fd(int fd, Ready what, Deadline deadline) {
  const std::array sources{what == Ready::readable ? Source::readable(fd) : Source::writable(fd)};
  return wait_any(deadline, sources).has_value();
}

Notify::~Notify() { CHECK(waiter_ == nullptr); }

void Notify::notify() {
  notified_ = true;
  if (waiter_ != nullptr) waiter_->wake();
}

bool Notify::wait(Deadline deadline) {
  if (std::exchange(notified_, false)) return true;
  const std::array sources{Source::notified(*this)};
  CHECK(in_fiber());  // nobody else could notify
  return wait_any(deadline, sources).has_value();
}

void sleep_until(Deadline deadline) {
  Fiber* const fiber = Fiber::current();
  if (fiber == nullptr) {
    std::this_thread::sleep_until(deadline);
    return;
  }
  while (fiber->park(deadline)) {
  }
}

void yield() {
  Fiber* const fiber = Fiber::current();
  if (fiber == nullptr) return;
  fiber->yield();
}

void breathe() {
  Fiber* const fiber = Fiber::current();
  if (fiber != nullptr && fiber->scheduler().is_fiber_over_time()) yield();
}

void trim_stack() {
  const Fiber* const fiber = Fiber::current();
  if (fiber == nullptr) return;
  // The callee's frame and the red zone stay.
  constexpr std::ptrdiff_t in_use_below = 1024;
  fiber->stack().trim(static_cast<const char*>(__builtin_frame_address(0)) - in_use_below);
}

struct WaitList::Node {
  Fiber* fiber;
  bool is_woken = false;
  Node* previous = nullptr;
  Node* next = nullptr;
};

WaitList::~WaitList() { CHECK(first_ == nullptr); }

void WaitList::unlink(Node& node) {
  (node.previous == nullptr ? first_ : node.previous->next) = node.next;
  (node.next == nullptr ? last_ : node.next->previous) = node.previous;
}

bool WaitList::wait(Deadline deadline) {
  Fiber* const fiber = Fiber::current();
  CHECK(fiber != nullptr);  // nobody else could wake us
  struct Linked {
    WaitList& list;
    Node node;
    ~Linked() {
      if (!node.is_woken) list.unlink(node);
    }
  } linked{*this, Node{.fiber = fiber}};
  Node& node = linked.node;
  node.previous = last_;
  (last_ == nullptr ? first_ : last_->next) = &node;
  last_ = &node;
  try {
    while (!node.is_woken && fiber->park(deadline)) {
    }
  } catch (const Cancelled&) {
    // A wake is never lost: who was woken has what it waited for, and learns of the cancellation at its next wait.
    if (!node.is_woken) throw;
  }
  return node.is_woken;
}

void WaitList::wake_first() {
  Node* const node = first_;
  if (node == nullptr) return;
  unlink(*node);
  node->is_woken = true;
  node->fiber->wake();
}

void WaitList::wake_all() {
  while (first_ != nullptr) wake_first();
}

bool Semaphore::acquire(Deadline deadline) {
  if (free_ == 0) return waiting_.wait(deadline);  // release() hands its slot over
  --free_;
  return true;
}

void Semaphore::release() {
  if (waiting_.empty()) {
    ++free_;
  } else {
    waiting_.wake_first();
  }
}

}  // namespace event
