#include "smtpd/transaction.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/check.h"

namespace smtpd {

using queue::RecordType;

void Transaction::open(std::unique_ptr<Intake> message, const Origin& origin, std::chrono::seconds timeout,
                       std::size_t line_length_limit) {
  CHECK(!message_);
  timeout_ = timeout;
  content_deadline_ = base::RollingDeadline(timeout);
  line_length_limit_ = line_length_limit;
  message_ = std::move(message);

  // The order and names are Postfix's: other programs, and Postfix itself after a change back, read this file.
  const Deadline until = deadline();
  const auto attribute = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) message_->add_attribute(name, value, until);
  };
  const auto since_epoch = arrived_.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(since_epoch - seconds);
  message_->add(RecordType::time, fmt::format("{} {}", seconds.count(), micros.count()), until);
  if (!origin.content_filter.empty()) message_->add(RecordType::filter, origin.content_filter, until);
  attribute("log_ident", message_->queue_id());
  attribute("rewrite_context", origin.rewrite_context);
  if (parameters_.auth_sender != "<>") attribute("sasl_sender", parameters_.auth_sender);
  attribute("envelope_id", parameters_.envid);
  if (parameters_.ret != DsnReturn::not_given) attribute("ret_flags", std::to_string(static_cast<int>(parameters_.ret)));
  message_->add(RecordType::sender, sender_, until);
  switch (parameters_.body) {
    case Body::not_given: break;
    case Body::seven_bit: attribute("encoding", "7bit"); break;
    case Body::eight_bit: attribute("encoding", "8bit"); break;
  }
  attribute("log_client_name", origin.client_name);
  attribute("log_client_address", origin.client_address);
  attribute("log_client_port", origin.client_port);
  attribute("log_message_origin", origin.message_origin);
  attribute("log_helo_name", origin.helo);
  attribute("log_protocol_name", origin.protocol);
  attribute("client_name", origin.client_name);
  attribute("reverse_client_name", origin.reverse_name);
  attribute("client_address", origin.client_address);
  attribute("client_port", origin.client_port);
  attribute("server_address", origin.server_address);
  attribute("server_port", origin.server_port);
  attribute("helo_name", origin.helo);
  attribute("protocol_name", origin.protocol);
  attribute("client_address_type", origin.is_v6 ? "10" : "2");  // AF_INET6 and AF_INET, as numbers
}

void Transaction::add_recipient(std::string_view recipient, const RcptParameters& parameters) {
  CHECK(message_);
  if (recipients_++ == 0) first_recipient_ = recipient;
  const Deadline until = deadline();
  if (parameters.notify != 0) message_->add_attribute("notify_flags", std::to_string(parameters.notify), until);
  if (!parameters.orcpt.empty()) message_->add_attribute("dsn_orig_rcpt", parameters.orcpt, until);
  message_->add(RecordType::recipient, recipient, until);
}

void Transaction::begin_content(std::string_view received_header) {
  CHECK(message_);
  const Deadline until = deadline();
  message_->add(RecordType::message_start, "", until);
  for (const std::string_view line : ascii::split(received_header, "\n")) {
    message_->add(RecordType::normal, line, until);
  }
}

void Transaction::take(Piece piece) {
  if (message_) message_->add(piece.is_last ? RecordType::normal : RecordType::continued, piece.text, content_deadline_.of(piece.text.size()));
}

Result<ipc::MessageClosed> Transaction::finish() {
  CHECK(message_);
  message_->add(RecordType::extracted, "", deadline());
  return message_->finish(deadline());
}

ChunkDecoder& Transaction::chunks() {
  if (!chunks_) chunks_ = std::make_unique<ChunkDecoder>(*this, line_length_limit_);
  return *chunks_;
}

}  // namespace smtpd
