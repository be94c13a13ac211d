#include "qmgr/admission.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/event/offload.h"
#include "lib/log/log.h"
#include "lib/mail/logged_address.h"
#include "lib/queue/lock.h"
#include "qmgr/recipients.h"

namespace qmgr {

using queue::Queue;

namespace {

// Of a file of this size the envelope may be so long that reading it would keep everybody else waiting.
constexpr off_t large_file = 256 * 1024;

}  // namespace

Result<Admission::Opened> Admission::open(const queue::QueueId& id, Queue from) const {
  const std::string path = layout_.path(from, id);
  Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return base::fail_system("open " + path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return base::fail_system("fstat " + path);
  if ((status.st_mode & queue::mode_complete) != queue::mode_complete) return base::fail("not complete yet", EAGAIN);
  if (queue::is_locked(file)) {
    maillog::info("{}: skipped, still being delivered", id.text());
    return base::fail("in use", EBUSY);
  }
  return Opened{std::move(file), (status.st_mode & queue::mode_force_expired) != 0, status.st_size >= large_file};
}

Result<queue::Message> Admission::read(const queue::QueueId& id, const Opened& opened) const {
  const auto read_file = [&, limit = scheduler_.first_batch()] {
    return queue::read_message(opened.file.get(), queue::Wanted::todo, limit);
  };
  auto message = opened.is_large ? event::blocking(read_file) : read_file();
  if (message) return message;
  maillog::warning("{}: {}; moving it to the corrupt queue", id.text(), message.error().message());
  TRY(queue::set_aside(layout_, Queue::active, id));
  return base::fail("set aside", ENOENT);
}

Result<void> Admission::enter(const queue::QueueId& id, Queue from, Why why) {
  const Opened opened = TRY(open(id, from));
  TRY(layout_.move(id, from, Queue::active));
  queue::Message message = TRY(read(id, opened));
  maillog::info("{}: from=<{}>, size={}, nrcpt={} (queue active)", id.text(), mail::logged_address(message.sender), message.content_size,
                message.recipient_count);
  const bool has_reasons = opened.is_force_expired && layout_.exists(Queue::defer, id);
  // What the last attempt said is not true of this one.
  if (from == Queue::deferred && !has_reasons) static_cast<void>(layout_.remove(Queue::defer, id));
  std::vector<ipc::DeliveryRecipient> recipients = take_recipients(message);
  const std::int64_t more = message.more_recipients;
  const auto active = std::make_shared<ActiveMessage>(id, std::move(message), clock_.stamp(), ++messages_, why);
  scheduler_.entered(*active);
  active->has_read(recipients.size(), more, clock_.now());
  if (opened.is_force_expired) active->force_expire();
  if (has_reasons) {  // the last attempt's reasons are told to the sender, and no more is tried
    active->has_read(0, 0, clock_.now());
    active->defer();
    recipients.clear();
  }
  assign(active, std::move(recipients));
  return {};
}

void Admission::refill(const std::shared_ptr<ActiveMessage>& message, std::size_t recipients) {
  message->set_reading(true);
  message->batch_added();  // of our own: while they are read, nothing else may be left
  const std::string path = layout_.path(Queue::active, message->id());
  auto next = event::blocking([&]() -> Result<queue::RecipientBatch> {
    const Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return base::fail_system("open " + path);
    return queue::read_recipients(file.get(), message->unread_recipients(), queue::Wanted::todo, recipients);
  });
  message->set_reading(false);
  if (next) {
    message->has_read(next->recipients.size(), next->more, clock_.now());
  } else {
    maillog::warning("{}: {}", message->id().text(), next.error().message());
    message->has_read(0, 0, clock_.now());
    message->defer();
  }
  if (message->unread_recipients() == 0) scheduler_.all_read(*message);
  if (next) assign(message, to_delivery(next->recipients));
  deliveries_.end(message);
}

void Admission::assign(const std::shared_ptr<ActiveMessage>& message, std::vector<ipc::DeliveryRecipient> recipients) {
  message->batch_added();  // of our own, so that the message is not complete before all are in line
  std::map<std::pair<std::string, std::string>, std::vector<ipc::DeliveryRecipient>> groups;
  for (ipc::DeliveryRecipient& recipient : recipients) {
    Route to = router_.route(*message, recipient);
    if (to.recipient != recipient.address) {
      if (recipient.original.empty()) recipient.original = recipient.address;
      recipient.address = std::move(to.recipient);
    }
    groups[{std::move(to.transport), std::move(to.nexthop)}].push_back(std::move(recipient));
  }
  for (auto& [to, group] : groups) {
    sort_recipients(group);
    assign_group(message, to.first, to.second, std::move(group));
  }
  for (const auto& [to, group] : groups) deliveries_.pump(to.first);
  deliveries_.assigned(*message);
  deliveries_.end(message);
}

void Admission::assign_group(const std::shared_ptr<ActiveMessage>& message, const std::string& transport, const std::string& nexthop,
                             std::vector<ipc::DeliveryRecipient> recipients) {
  const int limit = deliveries_.transport(transport).limits().destination.recipient_limit;
  // With VERP each recipient has a sender of its own.
  const std::size_t size = !message->envelope().verp.empty() ? 1 : limit > 0 ? static_cast<std::size_t>(limit) : recipients.size();
  for (auto first = recipients.begin(); first != recipients.end();) {
    const auto last = first + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(size), recipients.end() - first);
    Batch batch{message, {std::make_move_iterator(first), std::make_move_iterator(last)}};
    deliveries_.add(transport, nexthop, std::move(batch));
    first = last;
  }
}

}  // namespace qmgr
