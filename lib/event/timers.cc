#include "lib/event/timers.h"

#include <algorithm>

#include "lib/base/check.h"

namespace event {
namespace {
constexpr std::size_t arity = 4;
}

void Timers::put(std::size_t place, Entry entry) {
  heap_[place] = entry;
  entry.timer->place_ = place;
}

void Timers::move(std::size_t place, Entry entry) {
  while (place > 0) {
    const std::size_t parent = (place - 1) / arity;
    if (heap_[parent].at <= entry.at) break;
    put(place, heap_[parent]);
    place = parent;
  }
  for (;;) {
    const std::size_t first = place * arity + 1;
    if (first >= heap_.size()) break;
    const std::size_t end = std::min(first + arity, heap_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (heap_[child].at < heap_[least].at) least = child;
    }
    if (heap_[least].at >= entry.at) break;
    put(place, heap_[least]);
    place = least;
  }
  put(place, entry);
}

void Timers::set(Timer& timer, Deadline at) {
  if (timer.place_ == Timer::nowhere) {
    heap_.push_back(Entry{at, &timer});
    timer.place_ = heap_.size() - 1;
  }
  move(timer.place_, Entry{at, &timer});
}

void Timers::set_no_later(Timer& timer, Deadline at) {
  if (timer.place_ != Timer::nowhere && heap_[timer.place_].at <= at) return;
  set(timer, at);
}

void Timers::remove(Timer& timer) {
  const std::size_t place = timer.place_;
  if (place == Timer::nowhere) return;
  CHECK(place < heap_.size());
  timer.place_ = Timer::nowhere;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (last.timer != &timer) move(place, last);
}

void Timers::run(Deadline now) {
  while (!heap_.empty() && heap_.front().at <= now) {
    Timer& timer = *heap_.front().timer;
    remove(timer);
    timer.due(now);
  }
}

}  // namespace event
