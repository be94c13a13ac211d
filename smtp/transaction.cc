#include "smtp/transaction.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/downgrade.h"
#include "lib/queue/content.h"
#include "smtp/wire.h"

namespace smtp {
namespace {

// Commands that are under way before their replies are read: what fits into the smallest of buffers on the way, so that
// both ends never wait for each other.
constexpr std::size_t pipeline_window = 4096;

constexpr std::string_view end_of_data = "sending end of data -- message may be sent more than once";

constexpr std::size_t content_chunk = 16 * 1024;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// NOTIFY's bits (lib/ipc/messages/delivery.h) as RFC 3461 section 4.1 spells them.
std::string notify_text(int bits) {
  if ((bits & 1) != 0) return "NEVER";
  std::string text;
  for (const auto& [bit, word] : {std::pair{2, "SUCCESS"}, {4, "FAILURE"}, {8, "DELAY"}}) {
    if ((bits & bit) != 0) text += (text.empty() ? "" : ",") + std::string(word);
  }
  return text;
}

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
  if (data_accepted_ && !accepted_.empty()) {
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
  needs_utf8_ = !is_ascii(sender_) || has_utf8_header() ||
                std::ranges::any_of(recipients_, [](const auto& recipient) { return !is_ascii(recipient.second); });
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
    if (!is_ascii((*line)->text)) return true;
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
  if (features.dsn && !request_.dsn_envid.empty()) line += " ENVID=" + mail::encode_xtext(request_.dsn_envid);
  if (features.dsn && request_.dsn_ret != 0) line += request_.dsn_ret == 1 ? " RET=FULL" : " RET=HDRS";
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
    original = (is_ascii(address) ? "rfc822;" : "utf-8;") + path(address);
  }
  const std::size_t semicolon = original.find(';');
  if (semicolon != std::string::npos) {
    line += " ORCPT=" + original.substr(0, semicolon + 1) + mail::encode_xtext(original.substr(semicolon + 1));
  }
  if (recipient.notify != 0) line += " NOTIFY=" + notify_text(recipient.notify);
  return line;
}

std::vector<Transaction::Command> Transaction::commands() const {
  std::vector<Command> list;
  list.push_back({Kind::mail, 0, mail_command()});
  for (const std::size_t index : pending_) list.push_back({Kind::rcpt, index, rcpt_command(index)});
  if (!request_.verify_only) list.push_back({Kind::data, 0, "DATA"});
  return list;
}

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
      } else if (request_.verify_only) {
        end(command.recipient, endings::sent(peer, reply));
      } else {
        accepted_.push_back(command.recipient);
      }
      return;
    case Kind::data:
      data_accepted_ = reply.is_intermediate();
      if (!data_accepted_) end_all(endings::said(peer, reply, "DATA command"));
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
  WireWriter wire(static_cast<std::size_t>(params_.smtp_line_length_limit));
  std::optional<mail::Downgrade> downgrade;
  if (converts_to_7bit()) downgrade.emplace();
  std::optional<GenericHeader> generic;
  if (!generic_.empty()) generic.emplace(generic_);
  std::optional<ContentChecks> checks;
  if (!checks_.empty()) checks.emplace(checks_, request_.queue_id);
  std::vector<mail::Downgrade::Line> lines, mapped, checked;
  std::string out;
  const auto flush_lines = [&] {
    for (const mail::Downgrade::Line& line : lines) wire.write(line.text, line.ends_line, out);
    lines.clear();
  };
  const auto pass = [&](std::string_view text, bool ends_line) {
    if (!downgrade) return wire.write(text, ends_line, out);
    downgrade->write(text, ends_line, lines);
    flush_lines();
  };
  const auto map = [&](std::string_view text, bool ends_line) {
    if (!generic) return pass(text, ends_line);
    generic->write(text, ends_line, mapped);
    for (const mail::Downgrade::Line& line : mapped) pass(line.text, line.ends_line);
    mapped.clear();
  };
  const auto map_checked = [&] {
    for (const mail::Downgrade::Line& line : checked) map(line.text, line.ends_line);
    checked.clear();
  };
  const auto failure = [&]() -> std::optional<base::Error> {
    if (checks && checks->failure()) return checks->failure();
    return generic ? generic->failure() : std::nullopt;
  };
  for (;;) {
    const auto line = reader.next();
    if (!line) {
      // The server must not take the part that it has for the whole.
      maillog::warning("{}: {}", request_.queue_id, line.error().message());
      connection_.break_off();
      return std::unexpected(endings::at(connection_.peer(), {4, 3, 0}, "unreadable mail queue entry"));
    }
    if (!*line) break;
    if (checks) {
      checks->write((*line)->text, !(*line)->continued, checked);
      map_checked();
    } else {
      map((*line)->text, !(*line)->continued);
    }
    if (const auto failed = failure()) {
      connection_.break_off();
      return std::unexpected(unmapped(*failed));
    }
    if (out.size() < content_chunk) continue;
    bytes_sent += static_cast<std::int64_t>(out.size());
    if (Step<void> sent = connection_.content(out, deadline()); !sent) return sent;
    out.clear();
  }
  if (checks) checks->finish(checked);
  map_checked();
  if (generic) generic->finish(mapped);
  for (const mail::Downgrade::Line& line : mapped) pass(line.text, line.ends_line);
  if (const auto failed = failure()) {
    connection_.break_off();
    return std::unexpected(unmapped(*failed));
  }
  if (downgrade) downgrade->finish(lines);
  flush_lines();
  wire.finish(out);
  if (wire.has_broken_lines()) {
    maillog::info("{}: breaking line > {} bytes with <CR><LF>SPACE", request_.queue_id, params_.smtp_line_length_limit);
  }
  return connection_.content(out, deadline());
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
