#include "qmgr/intake.h"

#include <cerrno>
#include <utility>

#include "lib/event/offload.h"
#include "lib/log/log.h"

namespace qmgr {

using queue::Queue;

namespace {

constexpr std::size_t entering_limit = 64;       // messages whose recipients are being resolved at once
constexpr std::size_t waiting_limit = 20'000;    // ids kept in memory per queue; the rest stays in the directory
constexpr std::chrono::seconds in_use_delay{1};  // before a message that somebody else works on is looked at again

}  // namespace

Intake::Intake(const queue::Layout& layout, const base::Clock& clock, std::size_t active_limit, Enter enter)
    : layout_(layout), clock_(clock), active_limit_(active_limit), enter_(std::move(enter)), turns_(entering_limit) {}

void Intake::start() {
  if (const auto fiber = event::Loop::current().spawn("feed", [this] { feed(); }); !fiber) {
    maillog::fatal("{}", fiber.error().message());
  }
}

void Intake::add_incoming(queue::QueueId id) {
  if (incoming_.size() >= waiting_limit) {
    incoming_overflowed_ = true;
    return;
  }
  if (!known_.insert(id.text()).second) return;
  incoming_.push_back(std::move(id));
  feed_.notify();
}

void Intake::demand(queue::QueueId id) {
  if (deferred_.size() >= waiting_limit || active_.contains(id.text())) return;
  demanded_.insert(id.text());
  if (!known_.insert(id.text()).second) return;
  deferred_.push_front(std::move(id));
  feed_.notify();
}

void Intake::left(const queue::QueueId& id) {
  active_.erase(id.text());
  known_.erase(id.text());
  feed_.notify();
}

void Intake::start_scan(Queue queue, Due due) {
  bool& scanning = queue == Queue::incoming ? scanning_incoming_ : scanning_deferred_;
  if (std::exchange(scanning, true)) {
    if (due == Due::all) scan_all_next_ = true;  // the scan that runs may be past what this one wants
    return;
  }
  const auto fiber = event::Loop::current().spawn("scan", [this, queue, due, &scanning] {
    const Stamp now = clock_.stamp();
    Scanned found = event::blocking([&] { return scan(layout_, queue, due, now, waiting_limit); });
    scanning = false;
    std::deque<queue::QueueId>& waiting = queue == Queue::incoming ? incoming_ : deferred_;
    for (queue::QueueId& id : found.ids) {
      if (known_.insert(id.text()).second) waiting.push_back(std::move(id));
    }
    if (queue == Queue::incoming) incoming_overflowed_ = found.more;
    feed_.notify();
    if (queue == Queue::deferred && std::exchange(scan_all_next_, false)) start_scan(queue, Due::all);
  });
  if (!fiber) scanning = false;
}

// Lets waiting ids in as long as there is room: new mail first, and of old mail one after each.
void Intake::feed() {
  bool old_mail_next = false;
  for (;;) {
    while (has_room() && !(incoming_.empty() && deferred_.empty())) {
      const bool take_old = incoming_.empty() || (old_mail_next && !deferred_.empty());
      std::deque<queue::QueueId>& waiting = take_old ? deferred_ : incoming_;
      old_mail_next = !take_old;
      const queue::QueueId id = std::move(waiting.front());
      waiting.pop_front();
      if (!turns_.acquire(base::no_deadline)) return;
      if (!activate(id, take_old ? Queue::deferred : Queue::incoming)) break;
    }
    if (incoming_.empty() && incoming_overflowed_ && has_room()) start_scan(Queue::incoming, Due::by_time);
    static_cast<void>(feed_.wait(base::no_deadline));
  }
}

bool Intake::activate(const queue::QueueId& id, Queue from) {
  active_.insert(id.text());
  const auto fiber = event::Loop::current().spawn("activate", [this, id, from] {
    enter(id, from);
    turns_.release();
    feed_.notify();
  });
  if (fiber) return true;
  turns_.release();
  left(id);
  return false;
}

void Intake::enter(queue::QueueId id, Queue from) {
  const auto entered = enter_(id, from, demanded_.contains(id.text()));
  demanded_.erase(id.text());
  if (entered) return;
  active_.erase(id.text());
  if (entered.error().code() == EBUSY) return try_later(std::move(id), from);
  known_.erase(id.text());
  if (entered.error().code() == ENOENT || entered.error().code() == EAGAIN) return;
  maillog::warning("{}: {}", id.text(), entered.error().message());
}

// An agent of our predecessor, or of an agent that died, still has the file; or cleanup is about to let go of it.
void Intake::try_later(queue::QueueId id, Queue from) {
  const std::string name = id.text();
  const auto fiber = event::Loop::current().spawn("try later", [this, id = std::move(id), from] {
    event::sleep_until(base::after(in_use_delay));
    (from == Queue::deferred ? deferred_ : incoming_).push_back(id);
    feed_.notify();
  });
  if (!fiber) known_.erase(name);  // found again by the next scan
}

}  // namespace qmgr
