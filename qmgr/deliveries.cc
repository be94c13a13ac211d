#include "qmgr/deliveries.h"

#include <fmt/core.h>

#include "lib/log/log.h"

namespace qmgr {
namespace {

constexpr int agent_deaths_limit = 2;   // of one message; then it waits like any other deferred message
constexpr const char* retry = "retry";  // the transport that defers, with the reason as the next hop

Deadline now() { return std::chrono::steady_clock::now(); }

}  // namespace

Deliveries::Deliveries(const Params& params, Scheduler& scheduler, ipc::Connections& services, const queue::Layout& layout,
                       const base::Clock& clock, Events events)
    : params_(params), scheduler_(scheduler), services_(services), layout_(layout), clock_(clock), events_(std::move(events)), clog_(params) {}

Transport& Deliveries::transport(const std::string& name) {
  const auto made = scheduler_.transport(name);
  if (!made) maillog::fatal("{}", made.error().message());
  return **made;
}

void Deliveries::add(const std::string& name, const std::string& nexthop, Batch batch) {
  Transport& to = transport(name);
  const std::string& recipient = batch.recipients.front().address;
  if (batch.message->why() == Why::demanded) to.revive(nexthop, recipient, now());
  Destination& destination = to.destination(nexthop, recipient);
  batch.message->batch_added();
  to.add(destination, std::move(batch), now());
  if (to.is_suspended(now())) return defer_all(to);
  if (destination.is_dead(now())) suspend(to, destination);
  clog_.look_at(to, destination, scheduler_.messages(), now());
}

void Deliveries::pump(Transport& transport) {
  while (auto next = transport.next(now())) start(transport, std::move(*next));
  const Deadline next = transport.next_start(now());
  if (next == base::no_deadline) return;
  timers_[transport.name()] = event::Loop::current().timer(next - now(), [this, &transport] { pump(transport); });
}

void Deliveries::start(Transport& transport, Transport::Start start) {
  const auto batch = std::make_shared<const Batch>(std::move(start.batch));
  Destination& destination = *start.destination;
  const auto fiber = event::Loop::current().spawn("deliver", [this, &transport, &destination, batch] {
    deliver(transport, destination, *batch);
    pump(transport);
  });
  if (fiber) return;
  transport.ended(destination, *batch, now());
  batch->message->defer();
  end(batch->message);
}

void Deliveries::deliver(Transport& transport, Destination& destination, const Batch& batch) {
  const Dispatched outcome = dispatch(services_, layout_, transport.name(), destination, batch, clock_.stamp(),
                                      {.ipc_limit = params_.qmgr_ipc_timeout, .confirms_delay_cleared = params_.confirm_delay_cleared});
  after_delivery(transport, destination, batch, outcome);
  transport.ended(destination, batch, now());
  left(transport, batch);
  end(batch.message);
}

void Deliveries::after_delivery(Transport& transport, Destination& destination, const Batch& batch, const Dispatched& outcome) {
  const std::string& id = batch.message->id().text();
  switch (outcome.how) {
    case Dispatched::How::answered:
      if (!outcome.answer.all_done) batch.message->defer();
      if (outcome.answer.file_damaged) batch.message->damaged();
      feedback(transport, destination, outcome.answer);
      break;
    case Dispatched::How::unreachable:
      // Others that have begun meanwhile find out the same.
      if (!transport.is_suspended(now())) maillog::warning("{}", outcome.reason);
      transport.suspend(now() + params_.transport_retry_time);
      defer_unavailable(transport, batch);
      defer_all(transport);
      break;
    case Dispatched::How::agent_died:
      maillog::warning("{}: transport {}: {}", id, transport.name(), outcome.reason);
      if (++agent_deaths_[id] < agent_deaths_limit) {
        batch.message->try_again();
      } else {
        batch.message->defer();
      }
      break;
    case Dispatched::How::file_gone: break;
    case Dispatched::How::in_use:
      maillog::warning("{}: {}", id, outcome.reason);
      batch.message->defer();
      break;
  }
}

void Deliveries::feedback(Transport& transport, Destination& destination, const ipc::DeliveryAnswer& answer) {
  const DestinationLimits& limits = transport.limits().destination;
  const bool failed = !answer.hop_status.empty();
  const double amount = (failed ? limits.negative : limits.positive).at(destination.window());
  bool died = false;
  if (failed) {
    died = destination.failed(now(), params_.minimal_backoff_time, answer.hop_status, answer.hop_reason);
  } else {
    destination.succeeded();
  }
  if (params_.destination_concurrency_feedback_debug) {
    const char* const what = failed ? "qmgr_queue_throttle" : "qmgr_queue_unthrottle";
    maillog::info("{}: feedback {:g}", what, amount);
    maillog::info("{}: {}", what, destination.state());
  }
  if (died) suspend(transport, destination);
}

// Recipients have left memory: of the message itself, and of the first that waits for room in this transport.
void Deliveries::left(Transport& transport, const Batch& batch) {
  if (batch.message->unread_recipients() != 0) events_.room(*batch.message);
  const ActiveMessage* const first = transport.first_unread();
  if (first != nullptr && first != batch.message.get()) events_.room(*first);
}

void Deliveries::defer_unavailable(const Transport& transport, const Batch& batch) {
  if (transport.name() == retry) {
    batch.message->defer();  // the one that would say so is the one that is missing
  } else {
    add(retry, "4.3.0 mail transport unavailable", {batch.message, batch.recipients});
    pump(retry);
  }
}

// Nobody serves the transport for now, and what waits for it does not stay in the active queue.
void Deliveries::defer_all(Transport& transport) {
  for (const Batch& batch : transport.take_all()) {
    defer_unavailable(transport, batch);
    end(batch.message);
  }
}

// What waits for a dead destination is deferred at once, with the reason of the failure that made it so.
void Deliveries::suspend(Transport& transport, Destination& destination) {
  if (transport.name() == retry || transport.name() == params_.error_service_name) return;
  const std::string text = fmt::format("{} delivery temporarily suspended: {}", destination.dead_status(), destination.dead_reason());
  for (Batch& batch : transport.take_all(destination)) {
    const std::shared_ptr<ActiveMessage> message = batch.message;
    add(retry, text, std::move(batch));
    end(message);
  }
  pump(retry);
}

void Deliveries::end(const std::shared_ptr<ActiveMessage>& message) {
  if (message->batch_ended()) events_.over(message);
}

void Deliveries::revive() {
  for (const auto& [name, transport] : scheduler_.transports()) {
    transport->revive(now());
    pump(*transport);
  }
}

}  // namespace qmgr
