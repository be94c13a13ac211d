#pragma once
// libevent behind one door: descriptors, signals and one clock. It has a namespace and a file of its own, because
// libevent's `struct event` and our namespace cannot be seen by the same code. Internal to lib/event.

#include <array>
#include <chrono>
#include <cstddef>

struct event_base;

namespace reactor {

enum class Block { until_event, never };

class Base {
 public:
  Base();   // ends the process when the system has no epoll for us
  ~Base();
  Base(const Base&) = delete;
  Base& operator=(const Base&) = delete;
  // Runs the callbacks of what has happened; with Block::until_event waits for the first.
  void dispatch(Block block);
  // Makes a dispatch that is running return after its present callback.
  void interrupt();

 private:
  friend class Registration;
  ::event_base* base_;
};

// Edges: one callback for each change to ready. All registrations of one descriptor must be of one sort, edges or levels.
// For readable_edge the end of the stream is told apart.
enum class What { ready, closed };

enum class Kind { readable_edge, writable_edge, readable_level, writable_level, signal, clock };

// What is called when something happens. Not movable; remove() before the base ends, the destructor does nothing.
class Registration {
 public:
  using Callback = void (*)(void* argument, What what);
  Registration() = default;
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  // Only for one that is not added. `what` is the descriptor or the signal.
  void assign(Base& base, Kind kind, int what, Callback callback, void* argument);
  // Starts. False when the kernel cannot watch this descriptor (a regular file).
  [[nodiscard]] bool add();
  // Kind::clock: calls once, `delay` from now; again moves it.
  void add_once_after(std::chrono::microseconds delay);
  void remove();

 private:
  static constexpr std::size_t storage_size = 128;  // sizeof(struct event), held by a static_assert
  static void call(int, short, void* registration);

  alignas(std::max_align_t) std::array<std::byte, storage_size> storage_{};
  Callback callback_ = nullptr;
  void* argument_ = nullptr;
};

}  // namespace reactor
