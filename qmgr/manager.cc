#include "qmgr/manager.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include "lib/base/ascii.h"
#include "lib/config/master_cf.h"
#include "lib/ipc/messages/qmgr.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/queue/lock.h"
#include "qmgr/recipients.h"

namespace qmgr {

using queue::Queue;

namespace {

constexpr std::chrono::seconds queue_id_timeout{10};  // a notice that began is finished within this
constexpr std::size_t queue_id_limit = 100;
constexpr int agent_deaths_limit = 2;                 // of one message; then it waits like any other deferred message

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
  return std::unique_ptr<server::Service>(
      new Manager(startup, std::move(params), process_limits(TRY(config::read_master_cf(startup.main)))));
}

Manager::Manager(server::Startup& startup, Params params, std::map<std::string, int> limits)
    : params_(std::move(params)),
      main_(startup.main),
      process_limits_(std::move(limits)),
      layout_("", params_.hash_queue_names, params_.hash_queue_depth),
      services_(startup.services),
      addresses_(startup.services, startup.clock),
      clock_(startup.clock),
      completion_(params_, layout_, services_, clock_),
      intake_(layout_, clock_, static_cast<std::size_t>(params_.qmgr_message_active_limit),
              [this](const queue::QueueId& id, Queue from, bool demanded) { return enter(id, from, demanded); }) {}

void Manager::started() {
  recover();
  intake_.start();
  intake_.start_scan(Queue::incoming, Due::by_time);
  intake_.start_scan(Queue::deferred, Due::by_time);
  schedule_queue_run();
}

void Manager::schedule_queue_run() {
  queue_run_ = event::Loop::current().timer(params_.queue_run_delay, [this] {
    intake_.start_scan(Queue::incoming, Due::by_time);
    intake_.start_scan(Queue::deferred, Due::by_time);
    schedule_queue_run();
  });
}

// What was active when the last manager ended goes through incoming again. What was delivered is marked in the files.
void Manager::recover() {
  const Scanned left = scan(layout_, Queue::active, Due::all, clock_.stamp(), SIZE_MAX);
  for (const queue::QueueId& id : left.ids) {
    if (const auto moved = layout_.move(id, Queue::active, Queue::incoming); !moved) {
      maillog::warning("{}: {}", id.text(), moved.error().message());
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
      intake_.add_incoming(*id);
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
      for (auto& [name, transport] : transports_) {
        transport->revive();
        pump(*transport);
      }
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

Result<void> Manager::enter(const queue::QueueId& id, Queue from, bool demanded) {
  const std::string path = layout_.path(from, id);
  const Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return base::fail_system("open " + path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return base::fail_system("fstat " + path);
  if ((status.st_mode & queue::mode_complete) != queue::mode_complete) return base::fail("not complete yet", EAGAIN);
  if (queue::is_locked(file)) {
    maillog::info("{}: skipped, still being delivered", id.text());
    return base::fail("in use", EBUSY);
  }
  TRY(layout_.move(id, from, Queue::active));
  auto message = queue::read_message(file.get(), queue::Wanted::todo, static_cast<std::size_t>(params_.qmgr_message_recipient_limit));
  if (!message) {
    maillog::warning("{}: {}; moving it to the corrupt queue", id.text(), message.error().message());
    TRY(queue::set_aside(layout_, Queue::active, id));
    return base::fail("set aside", ENOENT);
  }
  maillog::info("{}: from=<{}>, size={}, nrcpt={} (queue active)", id.text(), mail::to_external(message->sender), message->content_size,
                message->recipient_count);
  const bool is_force_expired = (status.st_mode & queue::mode_force_expired) != 0;
  const bool has_reasons = is_force_expired && layout_.exists(Queue::defer, id);
  // What the last attempt said is not true of this one.
  if (from == Queue::deferred && !has_reasons) static_cast<void>(layout_.remove(Queue::defer, id));
  std::vector<ipc::DeliveryRecipient> recipients = take_recipients(*message);
  auto active = std::make_shared<ActiveMessage>(id, std::move(*message), clock_.stamp());
  if (is_force_expired) active->force_expire();
  if (demanded) active->demand();
  if (has_reasons) {  // the last attempt's reasons are told to the sender, and no more is tried
    active->set_unread_recipients(0);
    active->defer();
    recipients.clear();
  }
  assign(active, std::move(recipients));
  return {};
}

// Groups recipients by destination, and puts them in line. Parks while addresses are resolved.
void Manager::assign(const std::shared_ptr<ActiveMessage>& message, std::vector<ipc::DeliveryRecipient> recipients) {
  message->batch_added();  // of our own, so that the message is not complete before all are in line
  std::map<std::pair<std::string, std::string>, std::vector<ipc::DeliveryRecipient>> groups;
  for (ipc::DeliveryRecipient& recipient : recipients) {
    Route to = route(*message, recipient);
    if (to.recipient != recipient.address) {
      if (recipient.original.empty()) recipient.original = recipient.address;
      recipient.address = std::move(to.recipient);
    }
    groups[{std::move(to.transport), std::move(to.nexthop)}].push_back(std::move(recipient));
  }
  for (auto& [to, group] : groups) {
    const int limit = transport(to.first).limits().recipient_limit;
    // With VERP each recipient has a sender of its own.
    const std::size_t size = !message->envelope().verp.empty() ? 1 : limit > 0 ? static_cast<std::size_t>(limit) : group.size();
    for (auto first = group.begin(); first != group.end();) {
      if (message->is_demanded()) transport(to.first).revive(to.second, first->address);
      const auto last = first + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(size), group.end() - first);
      enqueue(to.first, to.second, {message, {std::make_move_iterator(first), std::make_move_iterator(last)}});
      first = last;
    }
  }
  end_batch(message);
}

Manager::Route Manager::route(const ActiveMessage& message, const ipc::DeliveryRecipient& recipient) {
  if (message.is_force_expired()) return {"retry", "4.7.0 message is administratively expired", recipient.address};
  const mail::AddressParts parts = mail::split(recipient.address);
  const auto answer = addresses_.resolve(message.envelope().sender, recipient.address);
  if (!answer || answer->status == ipc::ResolveStatus::fail) {
    return {"retry", "4.3.0 address resolver failure", recipient.address};
  }
  if (answer->address_class == ipc::AddressClass::local && ascii::equal_ignoring_case(parts.local, params_.double_bounce_sender)) {
    return {"discard", "undeliverable postmaster notification discarded", recipient.address};
  }
  if (!message.envelope().filter.empty()) {
    const std::string& filter = message.envelope().filter;
    const std::size_t colon = filter.find(':');
    std::string nexthop = colon == std::string::npos ? "" : filter.substr(colon + 1);
    if (nexthop.empty()) nexthop = parts.domain;
    return {filter.substr(0, colon), std::move(nexthop), recipient.address};
  }
  if (is_deferred_transport(answer->transport)) return {"retry", "4.3.2 deferred transport", recipient.address};
  return {answer->transport, answer->nexthop, answer->address};
}

bool Manager::is_deferred_transport(std::string_view name) const {
  if (params_.defer_transports.empty()) return false;
  const auto names = ascii::split(params_.defer_transports, ", \t\r\n");
  return std::ranges::find(names, name) != names.end();
}

Transport& Manager::transport(const std::string& name) {
  const auto found = transports_.find(name);
  if (found != transports_.end()) return *found->second;
  const auto limit = process_limits_.find(name);
  auto made = Transport::make(name, main_, limit == process_limits_.end() ? 0 : limit->second);
  if (!made) maillog::fatal("{}", made.error().message());
  return *transports_.emplace(name, std::move(*made)).first->second;
}

void Manager::enqueue(const std::string& name, const std::string& nexthop, Batch batch) {
  Transport& to = transport(name);
  Destination& destination = to.destination(nexthop, batch.recipients.front().address);
  batch.message->batch_added();
  to.add(destination, std::move(batch));
  const Deadline now = std::chrono::steady_clock::now();
  if (to.is_suspended(now)) defer_all(to);
  if (destination.is_dead(now)) suspend_destination(to, destination);
  pump(to);
}

// Starts what may start.
void Manager::pump(Transport& transport) {
  const Deadline now = std::chrono::steady_clock::now();
  while (Destination* const destination = transport.next_ready(now)) {
    Batch batch = destination->take();
    transport.started(*destination, now);
    const auto shared = std::make_shared<Batch>(std::move(batch));
    const auto fiber = event::Loop::current().spawn("deliver", [this, &transport, destination, shared] {
      deliver(transport, *destination, std::move(*shared));
    });
    if (!fiber) {
      transport.ended(*destination, now);
      shared->message->defer();
      end_batch(shared->message);
    }
  }
  const Deadline next = transport.next_start(now);
  if (next == base::no_deadline) return;
  timers_[transport.name()] = event::Loop::current().timer(next - now, [this, &transport] { pump(transport); });
}

void Manager::deliver(Transport& transport, Destination& destination, Batch batch) {
  const Dispatched outcome = dispatch(services_, layout_, transport.name(), destination, batch, clock_.stamp());
  after_delivery(transport, destination, batch, outcome);
  transport.ended(destination, std::chrono::steady_clock::now());
  end_batch(batch.message);
  pump(transport);
}

void Manager::after_delivery(Transport& transport, Destination& destination, const Batch& batch, const Dispatched& outcome) {
  const Deadline now = std::chrono::steady_clock::now();
  const std::string& id = batch.message->id().text();
  switch (outcome.how) {
    case Dispatched::How::answered:
      if (!outcome.answer.all_done) batch.message->defer();
      if (outcome.answer.file_damaged) batch.message->damaged();
      if (outcome.answer.hop_status.empty()) {
        destination.succeeded();
      } else if (destination.failed(now, params_.minimal_backoff_time, outcome.answer.hop_status, outcome.answer.hop_reason)) {
        suspend_destination(transport, destination);
      }
      break;
    case Dispatched::How::unreachable:
      // Others that have begun meanwhile find out the same.
      if (!transport.is_suspended(now)) maillog::warning("{}", outcome.reason);
      transport.suspend(now + params_.transport_retry_time);
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

void Manager::defer_unavailable(const Transport& transport, const Batch& batch) {
  if (transport.name() == "retry") {
    batch.message->defer();  // the one that would say so is the one that is missing
  } else {
    enqueue("retry", "4.3.0 mail transport unavailable", {batch.message, batch.recipients});
  }
}

// Nobody serves the transport for now, and what waits for it does not stay in the active queue.
void Manager::defer_all(Transport& transport) {
  for (const Batch& batch : transport.take_all()) {
    defer_unavailable(transport, batch);
    end_batch(batch.message);
  }
}

// What waits for a dead destination is deferred at once, with the reason of the failure that made it so.
void Manager::suspend_destination(Transport& transport, Destination& destination) {
  if (transport.name() == "retry" || transport.name() == "error") return;
  const std::string text = fmt::format("{} delivery temporarily suspended: {}", destination.dead_status(), destination.dead_reason());
  for (Batch& batch : destination.take_all()) {
    const std::shared_ptr<ActiveMessage> message = batch.message;
    enqueue("retry", text, std::move(batch));
    end_batch(message);
  }
}

void Manager::end_batch(const std::shared_ptr<ActiveMessage>& message) {
  if (!message->batch_ended()) return;
  const auto fiber = event::Loop::current().spawn("complete", [this, message] { complete(message); });
  if (!fiber) {  // without a notice, which the next try sends
    completion_.defer(message->id(), message->envelope().arrived);
    intake_.left(message->id());
  }
}

void Manager::complete(const std::shared_ptr<ActiveMessage>& message) {
  const std::string id = message->id().text();
  if (message->is_damaged()) {
    completion_.set_aside(*message);
    return intake_.left(message->id());
  }
  if (message->unread_recipients() != 0 && !message->is_tried_again()) {
    const std::string path = layout_.path(Queue::active, message->id());
    const Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    auto next = queue::read_recipients(file.get(), message->unread_recipients(), queue::Wanted::todo,
                                       static_cast<std::size_t>(params_.qmgr_message_recipient_limit));
    if (next) {
      message->set_unread_recipients(next->more);
      return assign(message, to_delivery(next->recipients));
    }
    maillog::warning("{}: {}", id, next.error().message());
    message->defer();
  }
  if (message->is_tried_again()) {
    // Through the front door again: the marks in the file say who is done.
    const auto moved = layout_.move(message->id(), Queue::active, Queue::incoming);
    intake_.left(message->id());
    if (moved) intake_.add_incoming(message->id());
    return;
  }
  static_cast<void>(completion_.complete(*message));
  agent_deaths_.erase(id);
  intake_.left(message->id());
}

}  // namespace qmgr
