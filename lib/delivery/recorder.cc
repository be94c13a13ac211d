#include "lib/delivery/recorder.h"

#include "lib/base/ascii.h"
#include "lib/log/lines.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/dsn_parameters.h"
#include "lib/mail/logged_address.h"
#include "lib/queue/content.h"
#include "lib/queue/message.h"

namespace delivery {
namespace {


const std::string& socket_of(StatusLog log, const LogSockets& sockets) {
  switch (log) {
    case StatusLog::bounce: return sockets.bounce;
    case StatusLog::defer: return sockets.defer;
    case StatusLog::trace: break;
  }
  return sockets.trace;
}

std::chrono::microseconds between(Stamp from, Stamp to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from);
}

ipc::VerifyState state_of(Status status) {
  switch (status) {
    case Status::sent: return ipc::VerifyState::deliverable;
    case Status::bounced: return ipc::VerifyState::undeliverable;
    case Status::deferred: break;
  }
  return ipc::VerifyState::deferred;
}

// Whether the content does not parse. What cannot be read for another reason may be read later.
bool is_damaged(const ipc::DeliveryRequest& request) {
  queue::ContentReader reader(request.file.get(), request.data_offset);
  for (;;) {
    const auto line = reader.next();
    if (!line) return line.error().code() == 0;
    if (!*line) return false;
  }
}

}  // namespace

bool BounceClient::append(StatusLog log, const ipc::BounceRequest& request) {
  const std::string& socket = socket_of(log, sockets_);
  const auto answer = services_.ask_at<ipc::Bounce>(socket, request);
  if (answer) return answer->ok;
  maillog::warning("{}: {} service: {}", request.queue_id, socket.substr(socket.rfind('/') + 1), answer.error().message());
  return false;
}

StatusSink::Told BounceClient::probed(const std::string& address, ipc::VerifyState state, const std::string& reason) {
  if (state != ipc::VerifyState::deliverable && !sockets_.verify_keeps_failures) return Told::not_wanted;
  const auto answer = services_.ask_at<ipc::AskVerify>(
      sockets_.verify, {.command = ipc::VerifyCommand::update, .address = address, .state = state, .reason = reason});
  if (!answer) maillog::warning("{} service: {}", sockets_.verify.substr(sockets_.verify.rfind('/') + 1), answer.error().message());
  return answer && answer->ok ? Told::yes : Told::no;
}

void BounceClient::waits(const std::string& queue_id, const std::string& site) {
  if (sites_ == nullptr) return;
  const auto is_listed = sites_->has(site);
  if (!is_listed) maillog::warning("{}", is_listed.error().message());
  if (!is_listed.value_or(false)) return;
  const auto answer =
      sites_->ask(services_, {.command = ipc::FlushCommand::add, .site = site, .queue_id = queue_id});
  if (!answer) maillog::warning("{}", answer.error().message());
  if (answer && (*answer == ipc::FlushStatus::ok || *answer == ipc::FlushStatus::denied)) return;
  // The message is tried again in its turn.
  maillog::warning("{}: flush service failure", queue_id);
}

Status Recorder::record(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing) {
  const Status status = report(recipient, delivery, timing);
  if (status != Status::deferred) complete(recipient);
  return status;
}

Status Recorder::report(const ipc::DeliveryRecipient& recipient, const Delivery& ended, const Timing& timing) {
  const Delivery delivery = settings_.filter == nullptr ? ended : settings_.filter->apply(ended);
  if (request_.probe) return probed(recipient, delivery, timing);
  if (request_.verify_only) return verified(recipient, delivery, timing);
  switch (delivery.status) {
    case Status::sent: return sent(recipient, delivery, timing);
    case Status::bounced: break;
    case Status::deferred: return deferred(recipient, delivery, timing, "deferred");
  }
  if (!settings_.soft_bounce) return bounced(recipient, delivery, timing);
  Delivery softened = delivery;
  if (softened.dsn.is_permanent()) softened.dsn = softened.dsn.with_class(4);
  return deferred(recipient, softened, timing, "SOFTBOUNCE");
}

// A probe of verify(8), which knows the address as it was asked for it; what that became is an answer, too.
Status Recorder::probed(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing) {
  using Told = StatusSink::Told;
  const ipc::VerifyState state = state_of(delivery.status);
  Told told = sink_.probed(recipient.original.empty() ? recipient.address : recipient.original, state, delivery.reason);
  if (told == Told::yes && !recipient.original.empty() && recipient.original != recipient.address) {
    told = sink_.probed(recipient.address, state, delivery.reason);
  }
  if (told == Told::no) {
    maillog::warning("{}: verify service failed, nothing is known of <{}>", request_.queue_id, recipient.address);
    return Status::deferred;
  }
  const bool is_sent = delivery.status == Status::sent;
  log(recipient, delivery, timing, is_sent ? "deliverable" : told == Told::yes ? "undeliverable" : "undeliverable-but-not-cached");
  return Status::sent;
}

// sendmail -bv: nothing is delivered, the sender gets a report, and the recipient is done whatever it says.
Status Recorder::verified(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing) {
  const std::string_view status = delivery.status == Status::sent ? "deliverable" : "undeliverable";
  if (!append(StatusLog::trace, recipient, delivery, status)) return Status::deferred;
  log(recipient, delivery, timing, status);
  return Status::sent;
}

Status Recorder::sent(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing) {
  const bool wants_success = (recipient.notify & mail::notify::success) != 0 && !delivery.notify_passed_on;
  if (request_.success_trace || request_.delay_cleared || wants_success) {
    // The mail has been delivered: without its report it is still done, since trying again would deliver it twice.
    if (!append(StatusLog::trace, recipient, delivery, delivery.action.empty() ? "delivered" : delivery.action)) {
      maillog::warning("{}: trace service failed, no delivery report for <{}>", request_.queue_id, recipient.address);
    }
  }
  log(recipient, delivery, timing, "sent");
  return Status::sent;
}

Status Recorder::bounced(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing) {
  bool kept = append(StatusLog::bounce, recipient, delivery, "failed");
  if (kept && request_.success_trace) kept = append(StatusLog::trace, recipient, delivery, "failed");
  if (!kept) {
    Delivery later = delivery;
    later.dsn = mail::Dsn(4, 3, 0);
    later.reason = "bounce or trace service failed";
    later.diag_type.clear();
    later.mta_type.clear();
    return deferred(recipient, later, timing, "deferred");
  }
  log(recipient, delivery, timing, "bounced");
  return Status::bounced;
}

Status Recorder::deferred(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing,
                          std::string_view label) {
  // Trouble of our own, as an unreadable file is, whoever has read it.
  if (delivery.dsn == mail::Dsn(4, 3, 0) && !answer_.file_damaged) answer_.file_damaged = is_damaged(request_);
  if (!append(StatusLog::defer, recipient, delivery, "delayed")) {
    maillog::warning("{}: defer service failed, no reason kept for <{}>", request_.queue_id, recipient.address);
  } else if (request_.success_trace && !append(StatusLog::trace, recipient, delivery, "delayed")) {
    maillog::warning("{}: trace service failed, no delivery report for <{}>", request_.queue_id, recipient.address);
  }
  log(recipient, delivery, timing, label);
  waits(recipient);
  return Status::deferred;
}

// Recipients of one request mostly have one domain, which then is told once.
void Recorder::waits(const ipc::DeliveryRecipient& recipient) {
  std::string site = ascii::lowercase(mail::split(recipient.address).domain);
  if (site.empty() || site == waiting_site_) return;
  waiting_site_ = std::move(site);
  sink_.waits(request_.queue_id, waiting_site_);
}

void Recorder::trace(const ipc::DeliveryRecipient& recipient, const Delivery& delivery) {
  if (!append(StatusLog::trace, recipient, delivery, delivery.action.empty() ? "delivered" : delivery.action)) {
    maillog::warning("{}: trace service failed, no delivery report for <{}>", request_.queue_id, recipient.address);
  }
}

void Recorder::complete(const ipc::DeliveryRecipient& recipient) {
  if (recipient.offset == 0) {
    ++completed_;
    return;
  }
  if (const auto marked = queue::mark_done(request_.file.get(), recipient.offset); !marked) {
    maillog::warning("{}: {} for <{}>", request_.queue_id, marked.error().message(), recipient.address);
    return;
  }
  ++completed_;
}

void Recorder::hop_failed(const Delivery& delivery) {
  answer_.hop_status = delivery.dsn.text();
  answer_.hop_reason = delivery.reason;
}

ipc::DeliveryAnswer Recorder::answer() const {
  ipc::DeliveryAnswer answer = answer_;
  answer.all_done = completed_ >= request_.recipients.size();
  return answer;
}

ipc::BounceRequest Recorder::append_request(const ipc::DeliveryRecipient& recipient, const Delivery& delivery,
                                            std::string_view action) const {
  ipc::BounceRequest request;
  request.command = ipc::BounceCommand::append;
  request.queue_name = request_.queue_name;
  request.queue_id = request_.queue_id;
  request.sender = request_.sender;
  request.encoding = request_.encoding;
  request.smtputf8 = request_.smtputf8;
  request.dsn_envid = request_.dsn_envid;
  request.dsn_ret = request_.dsn_ret;
  request.recipient = ipc::RecipientStatus{
      .recipient = recipient.address,
      .original_recipient = recipient.original.empty() ? recipient.address : recipient.original,
      .dsn_orig_rcpt = recipient.dsn_original,
      .notify_flags = recipient.notify,
      .offset = recipient.offset,
      .status = delivery.dsn.text(),
      .action = std::string(action),
      .diag_type = delivery.diag_type,
      .diag_text = delivery.diag_text,
      .mta_type = delivery.mta_type,
      .mta_mname = delivery.mta_mname,
      .reason = delivery.reason,
  };
  return request;
}

bool Recorder::append(StatusLog log, const ipc::DeliveryRecipient& recipient, const Delivery& delivery,
                      std::string_view action) {
  ipc::BounceRequest request = append_request(recipient, delivery, action);
  if (log == StatusLog::trace) {
    request.recipient.reason = "delivery via " + delivery.relay + ": " + delivery.reason;
  }
  if (log == StatusLog::bounce && delivery.notice_to) {
    // The message's own log is for its sender.
    request.command = ipc::BounceCommand::one;
    request.sender = *delivery.notice_to;
  }
  return sink_.append(log, request);
}

void Recorder::log(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing,
                   std::string_view status) const {
  const Stamp now = clock_.stamp();
  const Stamp connected = timing.connected.value_or(request_.requested);
  const std::string address = mail::logged_address(recipient.address);
  const std::string original = mail::logged_address(recipient.original);
  const std::string dsn = delivery.dsn.text();
  maillog::write(maillog::DeliveryLine{
      .queue_id = request_.queue_id,
      .recipient = address,
      .original = original,
      .relay = delivery.relay,
      .connection_use = timing.connection_use,
      .delay = between(request_.arrived, now),
      .delays = {between(request_.arrived, request_.activated), between(request_.activated, request_.requested),
                 between(request_.requested, connected), between(connected, now)},
      .decimals = settings_.delay_logging_resolution_limit,
      .tls = delivery.tls,
      .dsn = dsn,
      .status = status,
      .reason = delivery.reason,
  });
}

}  // namespace delivery
