#include "cleanup/bouncer.h"

#include <fcntl.h>

#include "lib/ipc/messages/bounce.h"
#include "lib/log/log.h"
#include "lib/mail/dsn.h"
#include "lib/queue/message.h"

namespace cleanup {
namespace {

constexpr std::string_view hold = "hold";
constexpr std::size_t batch = 1000;  // recipients kept in memory at a time

ipc::BounceRequest request_for(const Message& message, ipc::BounceCommand command, std::string_view queue,
                               const std::string& queue_id) {
  ipc::BounceRequest request;
  request.command = command;
  request.queue_name = queue;
  request.queue_id = queue_id;
  request.sender = message.sender();
  request.encoding = message.encoding();
  request.smtputf8 = (message.send_options() & queue::smtputf8_requested) != 0;
  request.dsn_envid = message.envelope_id();
  request.dsn_ret = message.dsn_ret();
  return request;
}

}  // namespace

std::optional<Refusal> refusal_for(ipc::CleanupStatus status, std::string_view reason) {
  switch (status) {
    case ipc::CleanupStatus::size: return Refusal{"5.3.4", "message file too big"};
    case ipc::CleanupStatus::hops: return Refusal{"5.4.0", "too many hops"};
    case ipc::CleanupStatus::content: return Refusal{"5.7.1", reason.empty() ? "message content rejected" : reason};
    case ipc::CleanupStatus::ok:
    case ipc::CleanupStatus::bad:
    case ipc::CleanupStatus::write:
    case ipc::CleanupStatus::space:
    case ipc::CleanupStatus::defer:
    case ipc::CleanupStatus::recipients:
    case ipc::CleanupStatus::nobody_home: break;
  }
  return std::nullopt;
}

bool Bouncer::trace_expanded(const Message& message, const std::string& queue_id, const std::vector<Expanded>& all) {
  for (const Expanded& expanded : all) {
    ipc::BounceRequest request = request_for(message, ipc::BounceCommand::append, "incoming", queue_id);
    request.recipient.recipient = expanded.recipient;
    request.recipient.dsn_orig_rcpt = expanded.dsn_original;
    request.recipient.notify_flags = expanded.notify;
    request.recipient.status = "2.0.0";
    request.recipient.action = "expanded";
    request.recipient.reason = "alias expanded";
    const auto answer = services_.ask_at<ipc::Bounce>(sockets_.trace, request);
    if (answer && answer->ok) continue;
    maillog::warning("{}: trace logging failed", queue_id);
    return false;
  }
  return true;
}

void Bouncer::drop_trace(const std::string& queue_id) {
  ipc::BounceRequest request;
  request.command = ipc::BounceCommand::remove;
  request.queue_name = "incoming";
  request.queue_id = queue_id;
  const auto answer = services_.ask_at<ipc::Bounce>(sockets_.trace, request);
  if (!answer) maillog::warning("{}: trace log not removed: {}", queue_id, answer.error().message());
}

Result<void> Bouncer::bounce_recipients(const queue::Layout& layout, const queue::QueueId& id, const Message& message,
                                        const Refusal& refusal) {
  const std::string path = layout.path(queue::Queue::hold, id);
  ipc::DeliveryRequest delivery;
  delivery.file = Fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!delivery.file) return base::fail_system("open " + path);
  delivery.queue_name = hold;
  delivery.queue_id = id.text();
  delivery.sender = message.sender();
  delivery.encoding = message.encoding();
  delivery.dsn_envid = message.envelope_id();
  delivery.dsn_ret = message.dsn_ret();
  delivery.arrived = message.arrived();
  delivery.activated = delivery.requested = clock_.stamp();

  std::string_view text = refusal.reason;
  const mail::Dsn dsn = mail::Dsn::parse_prefix(text).value_or(mail::Dsn::parse(refusal.dsn).value_or(mail::Dsn(5, 0, 0)));
  delivery::Delivery outcome;
  outcome.status = delivery::Status::bounced;
  outcome.dsn = dsn;
  outcome.reason = text;

  delivery::BounceClient sink(services_, sockets_);
  const queue::Message parsed = TRY(queue::read_message(delivery.file.get(), queue::Wanted::todo, batch));
  std::vector<queue::Recipient> recipients = parsed.recipients;
  for (std::int64_t more = parsed.more_recipients;;) {
    delivery::Recorder recorder(delivery, sink, clock_, {false, delay_resolution_});
    for (const queue::Recipient& recipient : recipients) {
      const ipc::DeliveryRecipient given{recipient.offset, recipient.address, recipient.original, recipient.dsn_original,
                                         recipient.notify};
      if (recorder.record(given, outcome) != delivery::Status::bounced) return base::fail("bounce log is not written");
    }
    if (more == 0) break;
    auto next = TRY(queue::read_recipients(delivery.file.get(), more, queue::Wanted::todo, batch));
    recipients = std::move(next.recipients);
    more = next.more;
  }
  const auto flushed =
      TRY(services_.ask_at<ipc::Bounce>(sockets_.bounce, request_for(message, ipc::BounceCommand::flush, hold, id.text())));
  if (!flushed.ok) return base::fail("the notice is not sent");
  return {};
}

Result<void> Bouncer::bounce(const queue::Layout& layout, const queue::QueueId& id, const Message& message,
                             const Refusal& refusal) {
  auto done = bounce_recipients(layout, id, message, refusal);
  if (auto removed = layout.remove(queue::Queue::hold, id); !removed) {
    maillog::warning("{}: {}", id.text(), removed.error().message());
  }
  maillog::info("{}: removed ({})", id.text(), done ? "discarded" : "canceled");
  return done;
}

}  // namespace cleanup
