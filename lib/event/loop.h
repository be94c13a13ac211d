#pragma once
// Fibers: session code that reads straight through and parks where it must wait.
//
// A thread has at most one Loop. Code that runs without one (commands, delivery workers) may use everything in lib/io:
// there a wait blocks the process in poll(2) instead of parking a fiber.
//
// Rules for code in a fiber: never block the thread (use blocking()), hold no in-memory lock, database cursor or
// pointer into shared state over a wait, do not wait in a destructor, do not swallow Cancelled.

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "lib/base/deadline.h"
#include "lib/base/error.h"

namespace event {

class Fiber;

// The one exception of this project: thrown at a fiber's next wait after cancel(), and at every wait after that, so
// that the fiber's owners are destroyed in order. It is not a std::exception; nobody catches it but the loop.
struct Cancelled {};

// A fiber seen from outside. It stays valid after the fiber has ended.
class FiberRef {
 public:
  FiberRef() = default;
  explicit FiberRef(std::weak_ptr<Fiber> fiber) : fiber_(std::move(fiber)) {}
  [[nodiscard]] bool is_running() const { return !fiber_.expired(); }
  // Makes every wait of the fiber throw Cancelled, except within a Shield.
  void cancel() const;

 private:
  std::weak_ptr<Fiber> fiber_;
};

// Within its scope cancellation waits: for the goodbye to a peer, and around callbacks of C libraries.
class Shield {
 public:
  Shield();
  ~Shield();
  Shield(const Shield&) = delete;
  Shield& operator=(const Shield&) = delete;
};

// Within its scope a wait of this fiber is our mistake (CHECK): for in-memory locks and database cursors.
class NoWait {
 public:
  NoWait();
  ~NoWait();
  NoWait(const NoWait&) = delete;
  NoWait& operator=(const NoWait&) = delete;
};

// Sticky: notify() before the wait counts. One fiber waits at a time.
class Notify {
 public:
  Notify() = default;
  ~Notify();
  Notify(const Notify&) = delete;
  Notify& operator=(const Notify&) = delete;
  void notify();  // from the loop's thread
  // Waits for notify() and takes it back. False at the deadline.
  [[nodiscard]] bool wait(Deadline deadline);

 private:
  friend class Parking;
  bool notified_ = false;
  Fiber* waiter_ = nullptr;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // The loop of this thread, or null where code runs without one.
  [[nodiscard]] static Loop* find();
  // The loop of this thread; there must be one.
  [[nodiscard]] static Loop& current();

  // Starts a fiber; it first runs at the loop's next turn. Fails when stacks or memory run out: the caller refuses
  // politely and pauses.
  [[nodiscard]] Result<FiberRef> spawn(std::string name, std::function<void()> body);

  // Runs until stop().
  void run();
  // Runs until `until` is true after a turn, or stop().
  void run_until(const std::function<bool()>& until);
  void stop();
  // Cancels every fiber and runs until all have ended, or the deadline.
  void cancel_all(Deadline deadline);

  // Called before each wait for events.
  void before_wait(std::function<void()> hook);
  // Writes the log's buffer before each wait; where the log daemon does not take all, again a moment later.
  void carry_log();

  // Calls `hook` in the loop's thread (not in a fiber) each time the descriptor is readable; for the acceptor, for signals
  // and for libraries that bring their own sockets. Lives as long as the returned handle. Not for a descriptor that a
  // Stream or a wait uses too.
  class Watch;
  [[nodiscard]] std::unique_ptr<Watch> watch_readable(int fd, std::function<void()> hook);
  [[nodiscard]] std::unique_ptr<Watch> watch_writable(int fd, std::function<void()> hook);
  [[nodiscard]] std::unique_ptr<Watch> watch_signal(int signal, std::function<void()> hook);
  // Calls `hook` once, `delay` from now.
  [[nodiscard]] std::unique_ptr<Watch> timer(std::chrono::steady_clock::duration delay, std::function<void()> hook);

  [[nodiscard]] std::size_t fibers() const;

 private:
  friend class Fiber;
  struct State;
  std::unique_ptr<State> state_;
};

class Loop::Watch {
 public:
  virtual ~Watch() = default;
};

[[nodiscard]] bool in_fiber();

// Lets other fibers run, or sleeps: returns at the deadline.
void sleep_until(Deadline deadline);
void yield();

enum class Ready { readable, writable };
// Parks until the descriptor is ready. False at the deadline. Outside of a fiber it blocks in poll(2).
[[nodiscard]] bool wait_fd(int fd, Ready what, Deadline deadline);

// What wait_any can wait for.
struct Source {
  enum class Kind { fd_readable, fd_writable, notify };
  Kind kind;
  int fd = -1;
  Notify* notify = nullptr;
  static Source readable(int fd) { return {Kind::fd_readable, fd, nullptr}; }
  static Source writable(int fd) { return {Kind::fd_writable, fd, nullptr}; }
  static Source notified(Notify& notify) { return {Kind::notify, -1, &notify}; }
};
inline constexpr std::size_t wait_any_limit = 8;  // sources of one wait
// Parks until one of the sources is ready and returns its index, the lowest if several are; none at the deadline.
[[nodiscard]] std::optional<std::size_t> wait_any(Deadline deadline, std::span<const Source> sources);

// To be called after a system call that did not have to wait: a peer that always has something for us must not keep the
// loop, so a fiber that has run for a while (scheduler.h, fiber_time_limit) lets the others run here.
void breathe();

// Gives the unused part of the current fiber's stack back to the system: for a session that will idle.
void trim_stack();

// Fibers that wait for the same thing, in the order of their coming. The thing itself is the owner's.
class WaitList {
 public:
  WaitList() = default;
  ~WaitList();
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;
  // Parks until woken. False at the deadline.
  [[nodiscard]] bool wait(Deadline deadline);
  void wake_first();
  void wake_all();
  [[nodiscard]] bool empty() const { return first_ == nullptr; }

 private:
  struct Node;
  void unlink(Node& node);
  Node* first_ = nullptr;
  Node* last_ = nullptr;
};

// At most `limit` fibers hold a slot at a time; others park. acquire() is false at the deadline.
class Semaphore {
 public:
  explicit Semaphore(std::size_t limit) : free_(limit) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  [[nodiscard]] bool acquire(Deadline deadline);
  void release();

 private:
  std::size_t free_;
  WaitList waiting_;
};

}  // namespace event
