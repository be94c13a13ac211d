#include "smtpd/transaction.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/check.h"
#include "lib/mail/dsn_parameters.h"

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
  attribute("log_ident", origin.ident.empty() ? std::string_view(message_->queue_id()) : origin.ident);
  attribute("rewrite_context", origin.rewrite_context);
  attribute("sasl_method", origin.sasl_method);
  attribute("sasl_username", origin.sasl_username);
  attribute("sasl_sender", parameters_.auth_sender);
  attribute("envelope_id", parameters_.envid);
  if (parameters_.ret != 0) attribute("ret_flags", std::to_string(parameters_.ret));
  message_->add(RecordType::sender, sender_, until);
  switch (parameters_.body) {
    case Body::not_given: break;
    case Body::seven_bit: attribute("encoding", "7bit"); break;
    case Body::eight_bit: attribute("encoding", "8bit"); break;
  }
  attribute("log_client_name", origin.logged.name);
  attribute("log_client_address", origin.logged.address);
  attribute("log_client_port", origin.logged.port);
  attribute("log_message_origin", origin.logged.message_origin);
  attribute("log_helo_name", origin.logged.helo);
  attribute("log_protocol_name", origin.logged.protocol);
  attribute("client_name", origin.client_name);
  attribute("reverse_client_name", origin.reverse_name);
  attribute("client_address", origin.client_address);
  attribute("client_port", origin.client_port);
  attribute("server_address", origin.server_address);
  attribute("server_port", origin.server_port);
  attribute("helo_name", origin.helo);
  attribute("protocol_name", origin.protocol);
  attribute("client_address_type", origin.is_v6 ? "10" : "2");  // AF_INET6 and AF_INET, as numbers
  if (!parameters_.verp.empty()) message_->add(RecordType::verp, parameters_.verp, until);
  if (decided_ != ipc::MessageFlags::none) decide(ipc::MessageFlags::none);
}

void Transaction::decide(ipc::MessageFlags flags) {
  decided_ = decided_ | flags;
  if (message_) message_->add(RecordType::flags, std::to_string(static_cast<unsigned>(decided_)), deadline());
}

void Transaction::add_recipient(std::string_view recipient, const RcptParameters& parameters) {
  CHECK(message_);
  if (recipients_++ == 0) first_recipient_ = recipient;
  const Deadline until = deadline();
  if (parameters.notify != 0) message_->add_attribute("notify_flags", std::to_string(parameters.notify), until);
  // What cleanup makes of the address is no business of the sender's.
  const std::string orcpt = parameters.orcpt.empty() ? mail::default_orcpt(recipient, parameters_.smtputf8) : parameters.orcpt;
  message_->add_attribute("dsn_orig_rcpt", orcpt, until);
  message_->add(RecordType::recipient, recipient, until);
}

void Transaction::begin_content(std::string_view received_header) {
  CHECK(message_);
  const Deadline until = deadline();
  message_->add(RecordType::message_start, "", until);
  for (const std::string& field : actions_.prepended) message_->add(RecordType::normal, field, until);
  for (const std::string_view line : ascii::split(received_header, "\n")) {
    message_->add(RecordType::normal, line, until);
  }
}

void Transaction::take(Piece piece) {
  content_size_ += piece.text.size() + (piece.is_last ? 2 : 0);   // as it came, with CR LF
  if (message_) message_->add(piece.is_last ? RecordType::normal : RecordType::continued, piece.text, content_deadline_.of(piece.text.size()));
}

Result<ipc::MessageClosed> Transaction::finish() {
  CHECK(message_);
  message_->add(RecordType::extracted, "", deadline());
  add_actions();
  if (milters_ != nullptr) TRY(message_->hand_over(*milters_, deadline()));
  return message_->finish(deadline());
}

void Transaction::add_actions() {
  const Deadline until = deadline();
  if (!actions_.filter.empty()) message_->add(RecordType::filter, actions_.filter, until);
  if (!actions_.redirect.empty()) message_->add(RecordType::redirect, actions_.redirect, until);
  for (const std::string& copy : actions_.copies) {
    // The sender does not know of it, and hears nothing of it.
    message_->add_attribute("notify_flags", std::to_string(mail::notify::never), until);
    message_->add(RecordType::recipient, copy, until);
  }
  if (actions_.is_held) decide(ipc::MessageFlags::hold);
  if (actions_.is_discarded) decide(ipc::MessageFlags::discard);
}

ChunkDecoder& Transaction::chunks() {
  if (!chunks_) chunks_ = std::make_unique<ChunkDecoder>(*this, line_length_limit_);
  return *chunks_;
}

}  // namespace smtpd
