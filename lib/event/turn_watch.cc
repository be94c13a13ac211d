#include "lib/event/turn_watch.h"

#include <sys/resource.h>

#include "lib/log/log.h"

namespace event {
namespace {

// Asking the kernel costs a system call, so it is asked now and then; the turns since then are known to sleep once each.
constexpr std::chrono::milliseconds snapshot_interval{20};

// A turn that slept counts as long only from here on: on a busy machine the wait for the processor after a short sleep
// cannot be told from the sleep.
constexpr std::chrono::milliseconds long_sleep = 5 * long_turn;

std::chrono::microseconds duration_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

TurnWatch::Usage TurnWatch::Usage::of_thread() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return {duration_of(usage.ru_utime) + duration_of(usage.ru_stime), usage.ru_nvcsw};
}

TurnWatch::TurnWatch() : now_(std::chrono::steady_clock::now()), turn_began_(now_) { snapshot(); }

void TurnWatch::snapshot() {
  usage_ = Usage::of_thread();
  snapshot_at_ = now_;
  turns_since_snapshot_ = 0;
}

void TurnWatch::began() {
  now_ = turn_began_ = std::chrono::steady_clock::now();
  ++turns_since_snapshot_;
  longest_ = {};
  longest_name_.clear();
  if (now_ - snapshot_at_ >= snapshot_interval) snapshot();
}

void TurnWatch::ran(std::string_view fiber) {
  const Deadline now = std::chrono::steady_clock::now();
  const auto took = now - now_;
  now_ = now;
  if (took <= longest_) return;
  longest_ = took;
  if (took >= long_turn / 2) longest_name_ = fiber;
}

void TurnWatch::ended() {
  const auto took = now_ - turn_began_;
  if (took < long_turn) return;
  const Usage before = usage_;
  const long turns = turns_since_snapshot_;
  snapshot();
  const bool worked = usage_.processor - before.processor >= long_turn;
  const bool slept = took >= long_sleep && usage_.sleeps - before.sleeps > turns;
  if (!worked && !slept) return;
  maillog::warning("event loop was kept for {} ms by {}",
               std::chrono::duration_cast<std::chrono::milliseconds>(took).count(),
               longest_name_.empty() ? "many fibers" : longest_name_);
}

}  // namespace event
