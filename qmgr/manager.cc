#include "qmgr/manager.h"

#include <cstdint>

#include "lib/config/master_cf.h"
#include "lib/ipc/messages/qmgr.h"
#include "lib/log/log.h"

namespace qmgr {

using queue::Queue;

namespace {

constexpr std::chrono::seconds queue_id_timeout{10};  // a notice that began is finished within this
constexpr std::size_t queue_id_limit = 100;

std::map<std::string, int> process_limits(const std::vector<config::MasterEntry>& entries) {
  std::map<std::string, int> limits;
  for (const config::MasterEntry& entry : entries) limits[entry.name] = entry.process_limit;
  return limits;
}

}  // namespace

Result<std::unique_ptr<server::Service>> Manager::make(server::Startup& startup) {
  Params params = TRY(Params::load(startup.main));
  if (params.bounce_queue_lifetime > params.maximal_queue_lifetime) {
    maillog::warning("bounce_queue_lifetime is larger than maximal_queue_lifetime - adjusting bounce_queue_lifetime");
    params.bounce_queue_lifetime = params.maximal_queue_lifetime;
  }
  startup.write_below(params.data_directory);
  return std::unique_ptr<server::Service>(
      new Manager(startup, std::move(params), process_limits(TRY(config::read_master_cf(startup.main)))));
}

Manager::Manager(server::Startup& startup, Params params, std::map<std::string, int> limits)
    : params_(std::move(params)),
      main_(startup.main),
      layout_("", params_.hash_queue_names, params_.hash_queue_depth),
      clock_(startup.clock),
      scheduler_(main_, std::move(limits), {.recipients = static_cast<std::size_t>(params_.qmgr_message_recipient_limit),
                                            .minimum = static_cast<std::size_t>(params_.qmgr_message_recipient_minimum)}),
      router_(params_, scheduler_, startup.services, clock_),
      deliveries_(params_, scheduler_, startup.services, layout_, clock_,
                  {.over = [this](const std::shared_ptr<ActiveMessage>& message) { over(message); },
                   .room = [this](const ActiveMessage& message) { refill(message); }}),
      admission_(router_, scheduler_, deliveries_, layout_, clock_),
      completion_(params_, layout_, startup.services, clock_),
      intake_(layout_, clock_, {static_cast<std::size_t>(params_.qmgr_message_active_limit), params_.maximal_backoff_time},
              [this](const queue::QueueId& id, Queue from, Why why) { return admission_.enter(id, from, why); }) {}

void Manager::started() {
  completion_.keep_clock();
  recover();
  intake_.start();
  intake_.start_scan(Queue::incoming, Due::by_time);
  intake_.start_scan(Queue::deferred, Due::by_time);
  schedule_queue_run();
}

void Manager::schedule_queue_run() {
  queue_run_ = event::Loop::current().timer(params_.queue_run_delay, [this] {
    completion_.look_at_clock();
    completion_.keep_clock();
    intake_.start_scan(Queue::incoming, Due::by_time);
    intake_.start_scan(Queue::deferred, Due::by_time);
    schedule_queue_run();
  });
}

// What was active when the last manager ended goes through incoming again. What was delivered is marked in the files.
void Manager::recover() {
  for (const queue::QueueId& id : Scan(layout_, Queue::active, {.due = Due::all}).next(SIZE_MAX)) {
    if (const auto moved = layout_.move(id, Queue::active, Queue::incoming); !moved) {
      maillog::warning("{}: {}", id.text(), moved.error().message());
    } else {
      intake_.add_incoming(id);   // before any notice of it that nobody has read: it is not new
    }
  }
}

// See lib/ipc/messages/qmgr.h. Anybody who may reach the socket may write here.
void Manager::serve(server::Connection& connection) {
  for (;;) {
    const io::Stream::Bytes bytes = connection.stream.read_some(1, base::no_deadline);
    if (bytes.end != io::End::ok) return;
    const char trigger = bytes.data.front();
    const bool is_notice = trigger == static_cast<char>(ipc::QmgrTrigger::notice);
    if (!is_notice && trigger != static_cast<char>(ipc::QmgrTrigger::try_now)) {
      handle(trigger);
      continue;
    }
    const io::LineResult text = connection.stream.read_until('\0', base::after(queue_id_timeout), queue_id_limit);
    const auto id = text ? queue::QueueId::parse(text.text()) : std::nullopt;
    if (!id) return;
    if (is_notice) {
      intake_.add_incoming(*id, Why::taken_in);
    } else {
      intake_.demand(*id);
    }
  }
}

void Manager::handle(char trigger) {
  switch (static_cast<ipc::QmgrTrigger>(trigger)) {
    case ipc::QmgrTrigger::wakeup:
      intake_.start_scan(Queue::incoming, Due::by_time);
      break;
    case ipc::QmgrTrigger::scan_incoming: intake_.start_scan(Queue::incoming, Due::by_time); break;
    case ipc::QmgrTrigger::scan_deferred: intake_.start_scan(Queue::deferred, Due::by_time); break;
    case ipc::QmgrTrigger::scan_all: intake_.start_scan(Queue::deferred, Due::all); break;
    case ipc::QmgrTrigger::flush_dead:
      deliveries_.revive();
      break;
    case ipc::QmgrTrigger::notice:
    case ipc::QmgrTrigger::try_now: break;  // these have a queue id
  }
}

void Manager::draining() {
  queue_run_.reset();
  // Agents finish what they have and mark it; a successor finds the rest in the active directory.
  event::Loop::current().stop();
}

void Manager::refill(const ActiveMessage& message) {
  if (message.is_tried_again() || message.is_damaged()) return;  // it leaves as it is
  const Deadline now = clock_.now();
  const Scheduler::Refill next = scheduler_.refill(message, now);
  refills_.erase(&message);
  if (next.at == base::no_deadline) return;
  if (next.at > now) {
    refills_[&message] = event::Loop::current().timer(next.at - now, [this, &message] { refill(message); });
    return;
  }
  const auto shared = std::const_pointer_cast<ActiveMessage>(message.shared_from_this());
  // Without a fiber the next delivery that ends tries again, or the end of the last one.
  static_cast<void>(event::Loop::current().spawn("refill", [this, shared, next] {
    const bool leaves = shared->is_tried_again() || shared->is_damaged();
    if (!leaves && !shared->is_reading() && shared->unread_recipients() != 0) admission_.refill(shared, next.recipients);
  }));
}

void Manager::over(const std::shared_ptr<ActiveMessage>& message) {
  const auto fiber = event::Loop::current().spawn("complete", [this, message] { complete(message); });
  if (fiber) return;
  completion_.defer(message->id(), message->envelope().arrived);  // without a notice, which the next try sends
  leave(*message);
}

void Manager::leave(const ActiveMessage& message) {
  refills_.erase(&message);
  scheduler_.forget(message);
  intake_.left(message.id());
}

void Manager::complete(const std::shared_ptr<ActiveMessage>& message) {
  if (message->is_under_way()) return;  // more has been read meanwhile
  if (message->is_damaged()) {
    completion_.set_aside(*message);
    return leave(*message);
  }
  if (message->is_tried_again()) {
    // Through the front door again: the marks in the file say who is done.
    const auto moved = layout_.move(message->id(), Queue::active, Queue::incoming);
    leave(*message);
    if (moved) intake_.add_incoming(message->id());
    return;
  }
  if (const auto next = scheduler_.refill(*message, clock_.now()); message->unread_recipients() != 0) {
    return admission_.refill(message, next.recipients);
  }
  static_cast<void>(completion_.complete(*message));
  deliveries_.forget(message->id());
  leave(*message);
}

}  // namespace qmgr
