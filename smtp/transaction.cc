#include "smtp/transaction.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/dsn_parameters.h"
#include "lib/queue/content.h"
#include "smtp/outgoing.h"

namespace smtp {
namespace {

// Commands that are under way before their replies are read: what fits into the smallest of buffers on the way, so that
// both ends never wait for each other.
constexpr std::size_t pipeline_window = 4096;

constexpr std::string_view end_of_data = "sending end of data -- message may be sent more than once";

constexpr std::size_t content_chunk = 16 * 1024;

}  // namespace

std::vector<Ending> Transaction::run() {
  ++connection_.uses;
  auto refusal = map_envelope();
  if (!refusal) refusal = obstacle();
  if (refusal) {
    end_all(*refusal);
    return std::move(endings_);
  }
  if (!exchange(commands())) return std::move(endings_);
  if (data_accepted_ && request_.verify_only) {
    connection_.break_off();   // nothing can be said now that would not be content
  } else if (data_accepted_ && !accepted_.empty()) {
    send_message();
  } else if (data_accepted_) {
    send_nothing();
  } else {
    needs_reset_ = true;
  }
  return std::move(endings_);
}

std::vector<Ending> Transaction::give_up(const delivery::Delivery& failure) {
  ++connection_.uses;
  end_all(failure);
  return std::move(endings_);
}

delivery::Delivery Transaction::unmapped(const base::Error& error) const {
  maillog::warning("{}: {}", request_.queue_id, error.message());
  return endings::at(connection_.peer(), {4, 3, 0}, "address mapping lookup error");
}

std::optional<delivery::Delivery> Transaction::map_envelope() {
  auto sender = generic_.map(request_.sender);
  if (!sender) return unmapped(sender.error());
  sender_ = std::move(*sender);
  for (const std::size_t index : pending_) {
    auto recipient = generic_.map(request_.recipients[index].address);
    if (!recipient) return unmapped(recipient.error());
    recipients_[index] = std::move(*recipient);
  }
  return std::nullopt;
}

// What makes it useless to begin.
std::optional<delivery::Delivery> Transaction::obstacle() {
  const Features& features = connection_.features;
  if (features.size_limit > 0 && request_.data_size > features.size_limit) {
    return endings::at(connection_.peer(), {5, 3, 4},
                       fmt::format("message size {} exceeds size limit {} of server {}", request_.data_size,
                                   features.size_limit, connection_.peer().text()));
  }
  if (!request_.smtputf8) return std::nullopt;
  needs_utf8_ = !ascii::is_ascii(sender_) || has_utf8_header() ||
                std::ranges::any_of(recipients_, [](const auto& recipient) { return !ascii::is_ascii(recipient.second); });
  if (!needs_utf8_ || features.smtputf8) return std::nullopt;
  return endings::at(connection_.peer(), {5, 6, 7},
                     fmt::format("SMTPUTF8 is required, but was not offered by host {}", connection_.peer().text()));
}

bool Transaction::has_utf8_header() const {
  queue::ContentReader reader(request_.file.get(), request_.data_offset);
  bool at_line_start = true;
  for (;;) {
    const auto line = reader.next();
    // Damage is found again, and told, when the content is sent.
    if (!line || !*line || (at_line_start && (*line)->text.empty())) return false;
    if (!ascii::is_ascii((*line)->text)) return true;
    at_line_start = !(*line)->continued;
  }
}

bool Transaction::converts_to_7bit() const {
  return !connection_.features.eight_bit_mime && !params_.disable_mime_output_conversion;
}

std::string Transaction::path(const std::string& address) const {
  std::string text = params_.smtp_quote_rfc821_envelope && !address.empty() ? mail::to_external(address) : address;
  // Whatever the queue file says, a command stays one line.
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

std::string Transaction::mail_command() const {
  const Features& features = connection_.features;
  std::string line = "MAIL FROM:<" + path(sender_) + ">";
  // The size would be wrong for a message that is converted on its way.
  if (features.size && !converts_to_7bit()) line += fmt::format(" SIZE={}", request_.data_size);
  if (features.eight_bit_mime && request_.encoding == "8bit") line += " BODY=8BITMIME";
  if (features.eight_bit_mime && request_.encoding == "7bit") line += " BODY=7BIT";
  if (features.smtputf8 && needs_utf8_) line += " SMTPUTF8";
  if (connection_.login && params_.smtp_send_dummy_mail_auth) line += " AUTH=<>";
  if (features.dsn && !request_.dsn_envid.empty()) line += " ENVID=" + mail::encode_xtext(request_.dsn_envid);
  // Where REQUIRETLS ends, a notice of those behind must not carry the content (RFC 8689 section 5).
  const bool is_left_out = connection_.require_tls == Connection::Require::left_out;
  const int ret = is_left_out ? mail::ret::headers : request_.dsn_ret;
  if (features.dsn && ret != 0) line.append(" RET=").append(mail::ret::text(ret));
  if (connection_.require_tls == Connection::Require::asked) line += " REQUIRETLS";
  return line;
}

std::string Transaction::rcpt_command(std::size_t index) const {
  const ipc::DeliveryRecipient& recipient = request_.recipients[index];
  std::string line = "RCPT TO:<" + path(recipients_.at(index)) + ">";
  if (!connection_.features.dsn) return line;
  // RFC 3461 section 4.2: "address type;xtext".
  std::string original = recipient.dsn_original;
  if (original.empty()) {
    const std::string& address = recipient.original.empty() ? recipient.address : recipient.original;
    original = (ascii::is_ascii(address) ? "rfc822;" : "utf-8;") + path(address);
  }
  const std::size_t semicolon = original.find(';');
  if (semicolon != std::string::npos) {
    line += " ORCPT=" + original.substr(0, semicolon + 1) + mail::encode_xtext(original.substr(semicolon + 1));
  }
  if (recipient.notify != 0) line += " NOTIFY=" + mail::notify::text(recipient.notify);
  return line;
}

std::vector<Transaction::Command> Transaction::commands() const {
  std::vector<Command> list;
  list.push_back({Kind::mail, 0, mail_command()});
  for (const std::size_t index : pending_) list.push_back({Kind::rcpt, index, rcpt_command(index)});
  if (!request_.verify_only || probes_data()) list.push_back({Kind::data, 0, "DATA"});
  return list;
}

bool Transaction::probes_data() const { return ascii::equal_ignoring_case(params_.smtp_address_verify_target, "data"); }

bool Transaction::is_pointless(const Command& command) const {
  return mail_failed_ || (command.kind == Kind::data && accepted_.empty());
}

// False when the connection broke off; all recipients then have their ending.
bool Transaction::exchange(const std::vector<Command>& list) {
  for (std::size_t next = 0; next < list.size();) {
    if (is_pointless(list[next])) return true;
    const std::size_t first = next;
    std::size_t bytes = 0;
    do {
      connection_.command(list[next].line);
      bytes += list[next].line.size();
      ++next;
    } while (connection_.features.pipelining && next < list.size() && bytes < pipeline_window);
    for (std::size_t i = first; i < next; ++i) {
      if (!take_reply(list[i])) return false;
    }
  }
  return true;
}

bool Transaction::take_reply(const Command& command) {
  struct Row {
    std::string_view stage, command;
    std::chrono::seconds Params::*timeout;
  };
  static constexpr Row rows[] = {{"sending MAIL FROM", "MAIL FROM command", &Params::smtp_mail_timeout},
                                 {"sending RCPT TO", "RCPT TO command", &Params::smtp_rcpt_timeout},
                                 {"sending DATA command", "DATA command", &Params::smtp_data_init_timeout}};
  const Row& row = rows[static_cast<std::size_t>(command.kind)];
  const Step<ServerReply> reply = connection_.reply(row.stage, params_.*row.timeout);
  if (!reply) {
    end_all(reply.error());
    return false;
  }
  decide(command, *reply);
  return true;
}

void Transaction::decide(const Command& command, const ServerReply& reply) {
  const Peer& peer = connection_.peer();
  switch (command.kind) {
    case Kind::mail:
      mail_failed_ = !reply.is_positive();
      if (mail_failed_) end_all(endings::said(peer, reply, "MAIL FROM command"));
      return;
    case Kind::rcpt:
      if (mail_failed_) return;
      if (!reply.is_positive()) {
        end(command.recipient, endings::said(peer, reply, "RCPT TO command"));
      } else if (request_.verify_only && !probes_data()) {
        end(command.recipient, endings::sent(peer, reply));
      } else {
        accepted_.push_back(command.recipient);
      }
      return;
    case Kind::data:
      data_accepted_ = reply.is_intermediate();
      if (!data_accepted_) return end_all(endings::said(peer, reply, "DATA command"));
      if (request_.verify_only) sent_all(reply);
      return;
  }
}

void Transaction::send_message() {
  if (Step<void> sent = send_content(); !sent) return end_all(sent.error());
  if (connection_.protocol() == Protocol::lmtp) return take_replies_of_recipients();
  const Step<ServerReply> reply = connection_.reply(end_of_data, params_.smtp_data_done_timeout);
  if (!reply) return end_all(reply.error());
  if (!reply->is_positive()) return end_all(endings::said(connection_.peer(), *reply, "end of DATA command"));
  sent_all(*reply);
}

void Transaction::take_replies_of_recipients() {
  for (const std::size_t recipient : accepted_) {
    const Step<ServerReply> reply = connection_.reply(end_of_data, params_.smtp_data_done_timeout);
    // Whoever has no reply yet is tried again.
    if (!reply) return end_all(reply.error());
    end(recipient, reply->is_positive() ? endings::sent(connection_.peer(), *reply)
                                        : endings::said(connection_.peer(), *reply, "end of DATA command"));
  }
}

// DATA was sent together with recipients of whom none was taken: an empty message for nobody.
void Transaction::send_nothing() {
  // No recipient, no reply: in LMTP nobody knows what comes next.
  if (connection_.protocol() == Protocol::lmtp) return connection_.break_off();
  connection_.command(".");
  static_cast<void>(connection_.reply("sending end of data", params_.smtp_data_done_timeout));
}

Step<void> Transaction::send_content() {
  const Deadline began = std::chrono::steady_clock::now();
  std::int64_t bytes_sent = 0;
  // Each part has its time; under smtp_per_request_deadline the whole has it, and more by the minimal data rate.
  const auto deadline = [&] {
    if (!params_.smtp_per_request_deadline) return base::after(params_.smtp_data_xfer_timeout);
    return began + params_.smtp_data_xfer_timeout + std::chrono::seconds(bytes_sent / params_.smtp_min_data_rate);
  };
  queue::ContentReader reader(request_.file.get(), request_.data_offset);
  Outgoing outgoing(checks_, generic_, request_.queue_id,
                    {.to_7bit = converts_to_7bit(), .line_length_limit = static_cast<std::size_t>(params_.smtp_line_length_limit)});
  for (;;) {
    const auto line = reader.next();
    if (!line) {
      // The server must not take the part that it has for the whole.
      maillog::warning("{}: {}", request_.queue_id, line.error().message());
      connection_.break_off();
      return std::unexpected(endings::at(connection_.peer(), {4, 3, 0}, "unreadable mail queue entry"));
    }
    if (*line) outgoing.write((*line)->text, !(*line)->continued);
    else outgoing.finish();
    if (const base::Error* const failure = outgoing.failure()) {
      connection_.break_off();
      return std::unexpected(unmapped(*failure));
    }
    if (*line && outgoing.bytes().size() < content_chunk) continue;
    bytes_sent += static_cast<std::int64_t>(outgoing.bytes().size());
    if (Step<void> sent = connection_.content(outgoing.bytes(), deadline()); !sent) return sent;
    outgoing.clear();
    if (!*line) break;
  }
  if (outgoing.has_broken_lines()) {
    maillog::info("{}: breaking line > {} bytes with <CR><LF>SPACE", request_.queue_id, params_.smtp_line_length_limit);
  }
  if (connection_.delays_dot) {
    if (Step<void> sent = connection_.flush_content(deadline()); !sent) return sent;
    event::sleep_until(base::after(params_.smtp_pix_workaround_delay_time));
    return connection_.end_content(base::after(params_.smtp_data_xfer_timeout));
  }
  return connection_.end_content(deadline());
}

void Transaction::end(std::size_t recipient, delivery::Delivery delivery) {
  delivery.notify_passed_on = connection_.features.dsn;
  const bool is_final = connection_.protocol() == Protocol::lmtp && params_.lmtp_assume_final && !connection_.features.dsn;
  if (delivery.status == delivery::Status::sent && !is_final) delivery.action = "relayed";
  std::erase(pending_, recipient);
  endings_.push_back({recipient, std::move(delivery)});
}

void Transaction::end_all(const delivery::Delivery& delivery) {
  for (const std::size_t recipient : std::vector(pending_)) end(recipient, delivery);
}

void Transaction::sent_all(const ServerReply& reply) { end_all(endings::sent(connection_.peer(), reply)); }

}  // namespace smtp
