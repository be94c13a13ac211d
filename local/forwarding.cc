#include "local/forwarding.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/queue/content.h"
#include "lib/queue/message_stream.h"

namespace local {
namespace {

using queue::RecordType;

constexpr std::chrono::seconds submit_patience{600};

void add_attributes(queue::MessageStream& stream, const ipc::DeliveryRequest& request, Deadline deadline) {
  const auto attribute = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) stream.add_attribute(name, value, deadline);
  };
  if (request.dsn_ret != 0) attribute("ret_flags", std::to_string(request.dsn_ret));
  attribute("envelope_id", request.dsn_envid);
  attribute("encoding", request.encoding);
  attribute("log_client_name", request.client_name);
  attribute("log_client_address", request.client_address);
  attribute("log_client_port", request.client_port);
  attribute("log_protocol_name", request.client_proto);
  attribute("log_helo_name", request.client_helo);
  attribute("sasl_method", request.sasl_method);
  attribute("sasl_username", request.sasl_username);
  attribute("sasl_sender", request.sasl_sender);
  // Where it came from, for those that follow a message through the log.
  attribute("log_ident", request.log_ident.empty() ? request.queue_id : request.log_ident);
  attribute("rewrite_context", request.rewrite_context.empty() ? "local" : request.rewrite_context);
}

void add_recipient(queue::MessageStream& stream, const ipc::DeliveryRecipient& recipient, Deadline deadline) {
  if (!recipient.dsn_original.empty()) stream.add(RecordType::dsn_orcpt, recipient.dsn_original, deadline);
  if (recipient.notify != 0) stream.add(RecordType::dsn_notify, std::to_string(recipient.notify), deadline);
  stream.add(RecordType::original_recipient, recipient.original.empty() ? recipient.address : recipient.original, deadline);
  stream.add(RecordType::recipient, recipient.address, deadline);
}

std::string time_record(Stamp now) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  return fmt::format("{} {}", micros / 1'000'000, micros % 1'000'000);
}

}  // namespace

void Forwarding::add(const std::string& sender, const std::string& delivered_to, const ipc::DeliveryRecipient& recipient) {
  auto message = std::ranges::find_if(messages_, [&](const Message& known) {
    return known.sender == sender && known.delivered_to == delivered_to;
  });
  if (message == messages_.end()) message = messages_.insert(messages_.end(), Message{sender, delivered_to, {}});
  message->recipients.push_back(recipient);
}

Result<std::string> Forwarding::submit(std::size_t i, ipc::Connections& services, Stamp now) const {
  const Message& message = messages_[i];
  const Deadline deadline = base::after(submit_patience);
  const auto flags = ipc::CleanupFlags::internal | ipc::CleanupFlags::map |
                     (request_.smtputf8 ? ipc::CleanupFlags::smtputf8 : ipc::CleanupFlags::none) |
                     (request_.tls_required ? ipc::CleanupFlags::tls_required : ipc::CleanupFlags::none);
  queue::MessageStream stream = TRY(queue::MessageStream::open(services, flags, deadline, settings_.cleanup_socket));

  stream.add(RecordType::time, time_record(now), deadline);
  add_attributes(stream, request_, deadline);
  stream.add(RecordType::sender, message.sender, deadline);
  for (const ipc::DeliveryRecipient& recipient : message.recipients) add_recipient(stream, recipient, deadline);

  stream.add(RecordType::message_start, {}, deadline);
  stream.add_line(fmt::format("Received: by {} ({})", settings_.myhostname, settings_.mail_name), settings_.line_length_limit, deadline);
  stream.add_line(fmt::format("\tid {}; {}", stream.queue_id(), mail::rfc5322_date(now)), settings_.line_length_limit, deadline);
  if (settings_.delivered_header) {
    stream.add_line(fmt::format("Delivered-To: {}", mail::to_external(message.delivered_to)), settings_.line_length_limit, deadline);
  }
  queue::ContentReader reader(request_.file.get(), request_.data_offset);
  for (;;) {
    const auto line = TRY(reader.next());
    if (!line) break;
    if (!stream.add(line->continued ? RecordType::continued : RecordType::normal, line->text, deadline)) break;
  }
  stream.add(RecordType::extracted, {}, deadline);

  const std::string id = stream.queue_id();
  const ipc::MessageClosed closed = TRY(stream.finish(deadline));
  if (closed.status != ipc::CleanupStatus::ok) {
    return base::fail("forwarded message not accepted by cleanup" + (closed.reason.empty() ? "" : ": " + closed.reason));
  }
  return id;
}

}  // namespace local
