#pragma once
// Points in time at which something is due: a 4-ary heap whose entries know their place in it. A wait's deadline moves
// at every command, so an entry may lie earlier than its owner wants: it comes up, the owner sees that nothing is due
// and takes a later place. That is cheaper than moving it at each wait.

#include <cstddef>
#include <vector>

#include "lib/base/deadline.h"

namespace event {

class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() = default;
  // Its time has come; it is out of the heap and may be set again.
  virtual void due(Deadline now) = 0;

 private:
  friend class Timers;
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
  std::size_t place_ = nowhere;
};

class Timers {
 public:
  // Puts the timer in, or moves it.
  void set(Timer& timer, Deadline at);
  // Puts it in, or moves it if its place is later than `at`; an earlier place stays.
  void set_no_later(Timer& timer, Deadline at);
  void remove(Timer& timer);
  // When the first is due; no_deadline when there is none.
  [[nodiscard]] Deadline first() const { return heap_.empty() ? base::no_deadline : heap_.front().at; }
  // Calls due() of every timer whose time is not after `now`.
  void run(Deadline now);

 private:
  struct Entry {
    Deadline at;
    Timer* timer;
  };
  void put(std::size_t place, Entry entry);
  void move(std::size_t place, Entry entry);  // up or down from `place`, to where the entry belongs

  std::vector<Entry> heap_;
};

}  // namespace event
