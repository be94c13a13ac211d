#include "qmgr/intake.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lib/event/offload.h"
#include "lib/log/log.h"

namespace qmgr {

using queue::Queue;

namespace {

constexpr std::size_t entering_limit = 64;       // messages whose recipients are being resolved at once
constexpr std::size_t waiting_limit = 20'000;    // ids kept in memory per queue; the rest stays in the directory
constexpr std::size_t scanned_at_once = 500;     // ids; more are looked for when these have entered
constexpr std::chrono::seconds in_use_delay{1};  // before a message that somebody else works on is looked at again
constexpr std::size_t reserved_part = 5;         // of the active queue, for new mail: old mail may wait for slow destinations

// While new mail comes (none for a moment: it does not) one old message enters with every second new one, and some at any rate,
// fewer the more new mail there is: an old one that is deferred again costs half of what a new one does, and new mail
// keeps most of its rate during a flush.
constexpr std::chrono::milliseconds new_mail_moment{200}, pace{50};
constexpr std::size_t new_per_old = 2, old_per_pace = 60, least_old_per_pace = 3, old_mail_credit_limit = 100;
constexpr std::size_t old_in_flight = 20;   // with more the machine, or who they are for, is slow: none enter by time alone

}  // namespace

Intake::Intake(const queue::Layout& layout, const base::Clock& clock, Limits limits, Enter enter)
    : layout_(layout), clock_(clock), limits_(limits), enter_(std::move(enter)), turns_(entering_limit) {}

void Intake::start() {
  if (const auto fiber = event::Loop::current().spawn("feed", [this] { feed(); }); !fiber) {
    maillog::fatal("{}", fiber.error().message());
  }
}

void Intake::add_incoming(queue::QueueId id, Why why) {
  if (incoming_.waiting.size() >= waiting_limit) {
    incoming_.has_more = true;
    return;
  }
  if (!known_.insert(id.text()).second) return;
  if (why != Why::due) asked_.emplace(id.text(), why);
  incoming_.waiting.push_back(std::move(id));
  feed_.notify();
}

void Intake::demand(queue::QueueId id) {
  if (deferred_.waiting.size() >= waiting_limit || active_.contains(id.text())) return;
  asked_.insert_or_assign(id.text(), Why::demanded);
  if (!known_.insert(id.text()).second) return;
  deferred_.waiting.push_front(std::move(id));
  feed_.notify();
}

void Intake::left(const queue::QueueId& id) {
  const auto found = active_.find(id.text());
  if (found != active_.end()) {
    if (found->second == Queue::deferred) --active_deferred_;
    active_.erase(found);
  }
  known_.erase(id.text());
  feed_.notify();
}

void Intake::start_scan(Queue queue, Due due) {
  Source& from = source(queue);
  if (std::exchange(from.is_scanned, true)) {
    if (from.again != Due::all) from.again = due;
    return;
  }
  const auto fiber = event::Loop::current().spawn("scan", [this, &from, due] {
    scan(from, due);
    from.is_scanned = false;
    if (const auto again = std::exchange(from.again, std::nullopt)) start_scan(from.queue, *again);
  });
  if (!fiber) from.is_scanned = false;
}

void Intake::scan(Source& source, Due due) {
  Scan scan(layout_, source.queue, {due, clock_.stamp(), limits_.longest_wait});
  for (bool more = true; more;) {
    while (source.waiting.size() >= scanned_at_once) static_cast<void>(source.room.wait(base::no_deadline));
    std::vector<queue::QueueId> found = event::blocking([&] { return scan.next(scanned_at_once); });
    more = found.size() == scanned_at_once;
    for (queue::QueueId& id : found) {
      if (!known_.insert(id.text()).second) continue;
      if (due == Due::all) asked_.emplace(id.text(), Why::flushed);
      source.waiting.push_back(std::move(id));
    }
    feed_.notify();
  }
}

bool Intake::has_room(const Source& source) const {
  if (source.waiting.empty() || active_.size() >= limits_.active) return false;
  if (source.queue == Queue::incoming) return true;
  if (clock_.now() < new_mail_until_ && old_mail_credit_ == 0) return false;
  return active_deferred_ < limits_.active - limits_.active / reserved_part;
}

void Intake::pace_old_mail() {
  const Deadline now = clock_.now();
  if (now < next_pace_) return;
  next_pace_ = now + pace;
  const std::size_t came = std::exchange(new_in_pace_, 0);
  if (active_deferred_ < old_in_flight) give_credit(old_per_pace - std::min(came, old_per_pace - least_old_per_pace));
}

void Intake::give_credit(std::size_t messages) { old_mail_credit_ = std::min(old_mail_credit_ + messages, old_mail_credit_limit); }

// Lets waiting ids in as long as there is room: new mail first, and in between old mail that has credit.
void Intake::feed() {
  for (;;) {
    for (bool entered = true; entered;) {
      pace_old_mail();
      entered = let_in(incoming_);
      entered |= let_in(deferred_);
    }
    if (incoming_.waiting.empty() && std::exchange(incoming_.has_more, false)) start_scan(Queue::incoming, Due::by_time);
    const bool is_paced = !deferred_.waiting.empty() && clock_.now() < new_mail_until_;
    static_cast<void>(feed_.wait(is_paced ? next_pace_ : base::no_deadline));
  }
}

bool Intake::let_in(Source& source) {
  if (!has_room(source) || !turns_.acquire(base::no_deadline)) return false;
  const queue::QueueId id = std::move(source.waiting.front());
  source.waiting.pop_front();
  if (source.queue == Queue::incoming) {
    new_mail_until_ = clock_.now() + new_mail_moment;
    if (++new_in_pace_ % new_per_old == 0) give_credit(1);
  } else if (old_mail_credit_ > 0) {
    --old_mail_credit_;
  }
  if (source.waiting.size() < scanned_at_once) source.room.notify();
  return activate(id, source.queue);
}

bool Intake::activate(const queue::QueueId& id, Queue from) {
  active_.emplace(id.text(), from);
  if (from == Queue::deferred) ++active_deferred_;
  const auto fiber = event::Loop::current().spawn("activate", [this, id, from] {
    enter(id, from);
    turns_.release();
    feed_.notify();
  });
  if (fiber) return true;
  turns_.release();
  asked_.erase(id.text());
  left(id);
  return false;
}

void Intake::enter(queue::QueueId id, Queue from) {
  const auto asked = asked_.find(id.text());
  const Why why = asked == asked_.end() ? Why::due : asked->second;
  const auto entered = enter_(id, from, why);
  if (!entered && entered.error().code() == EBUSY) return try_later(std::move(id), from);
  asked_.erase(id.text());
  if (entered) return;
  left(id);
  if (entered.error().code() == ENOENT || entered.error().code() == EAGAIN) return;
  maillog::warning("{}: {}", id.text(), entered.error().message());
}

// An agent of our predecessor, or of an agent that died, still has the file; or cleanup is about to let go of it. Its place
// is free meanwhile.
void Intake::try_later(queue::QueueId id, Queue from) {
  const std::string name = id.text();
  left(id);
  known_.insert(name);
  const auto fiber = event::Loop::current().spawn("try later", [this, id = std::move(id), from] {
    event::sleep_until(base::after(in_use_delay));
    source(from).waiting.push_back(id);
    feed_.notify();
  });
  if (fiber) return;
  known_.erase(name);  // found again by the next scan
  asked_.erase(name);
}

}  // namespace qmgr
