#include "qmqpd/session.h"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "qmqpd/verp.h"

namespace qmqpd {
namespace {

// No record of an envelope has these in it.
bool is_whole(std::string_view address) { return address.find_first_of(std::string_view("\0\n", 2)) == std::string_view::npos; }

}  // namespace

using queue::RecordType;

void Session::run() {
  identify();
  maillog::info("connect from {}", client_);
  if (is_authorized()) {
    receive();
  } else {
    delay();
    reply(Answer::never, fmt::format("Error: {} is not authorized to use this service", client_));
  }
  maillog::info("disconnect from {}", client_);
}

void Session::identify() {
  arrived_ = server_.clock().stamp();
  if (connection_.peer) {
    const io::Address& address = connection_.peer->address;
    address_ = address.text();
    port_ = std::to_string(connection_.peer->port);
    is_v6_ = address.is_v6();
    name_ = server_.peer_names().look_up(address).name;
  } else {
    name_ = "localhost";   // a UNIX socket: somebody on this machine
    address_ = "127.0.0.1";
  }
  client_ = fmt::format("{}[{}]", name_, address_);
  if (server_.params().qmqpd_client_port_logging) client_ += ":" + port_;
}

bool Session::is_authorized() const {
  const auto listed = server_.authorized().matches(name_, address_);
  if (!listed) maillog::warning("{}", listed.error().message());
  return listed.value_or(false);
}

void Session::delay() const {
  const auto time = server_.params().qmqpd_error_delay;
  if (time.count() > 0) event::sleep_until(base::after(time));
}

void Session::reply(Answer answer, std::string_view text) {
  if (answer == Answer::never && server_.params().soft_bounce) answer = Answer::later;
  std::string line(1, static_cast<char>(answer));
  line += text;
  std::string out;
  io::append_netstring(out, line);
  maillog::flush();
  const Deadline until = base::after(server_.params().qmqpd_timeout);
  connection_.stream.write(out, until);
  const io::End end = connection_.stream.flush(until);
  if (end != io::End::ok) {
    log_missing({end == io::End::timeout ? io::NetstringEnd::timeout : io::NetstringEnd::eof, "a reply"});
  }
}

void Session::log_missing(const Missing& missing) const {
  maillog::info("{}: {}: {} while {} {}", message_ ? std::string_view(message_->queue_id()) : "NOQUEUE", client_,
                text_of(missing.end), missing.what == "a reply" ? "sending" : "receiving", missing.what);
}

void Session::refuse(Answer answer, std::string_view text) {
  maillog::warning("{}: {}: Error: {}", message_ ? std::string_view(message_->queue_id()) : "NOQUEUE", client_, text);
  delay();
  reply(answer, fmt::format("Error: {}", text));
}

void Session::receive() {
  if (const auto opened = open_message(); !opened) {
    return refuse(Answer::later, opened.error().code() == ENOSPC ? "insufficient system storage" : "queue file write error");
  }
  maillog::info("{}: client={}", message_->queue_id(), client_);
  if (const auto missing = copy_packet()) return refuse_packet(*missing);
  finish();
}

void Session::refuse_packet(const Missing& missing) {
  const bool is_there = missing.end == io::NetstringEnd::malformed || missing.end == io::NetstringEnd::too_long;
  if (is_there) delay();
  log_missing(missing);
  if (is_there) reply(Answer::never, fmt::format("{} while receiving {}", text_of(missing.end), missing.what));
}

Result<void> Session::open_message() {
  auto opened = queue::MessageStream::open(server_.services(), server_.flags(), deadline(),
                                           "public/" + server_.params().cleanup_service_name);
  if (!opened) {
    maillog::warning("{}", opened.error().message());
    return base::Failure(std::move(opened).error());
  }
  message_ = std::move(*opened);
  const auto since_epoch = arrived_.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(since_epoch - seconds);
  message_->add(RecordType::time, fmt::format("{} {}", seconds.count(), micros.count()), deadline());
  return {};
}

// The order and names of records are Postfix's: other programs, and Postfix itself after a change back, read this file.
std::optional<Session::Missing> Session::copy_packet() {
  const auto size = static_cast<std::size_t>(server_.params().message_size_limit);
  const auto address_limit = static_cast<std::size_t>(server_.params().line_length_limit);
  Packet packet(connection_.stream, server_.params().qmqpd_timeout);
  using io::NetstringEnd;
  if (const auto end = packet.begin(); end != NetstringEnd::ok) return Missing{end, "QMQP packet header"};
  std::string content;   // wanted behind the recipients
  if (const auto end = packet.read(content, size > 0 ? size : SIZE_MAX); end != NetstringEnd::ok) {
    return Missing{end, "message content"};
  }
  std::string address;
  if (const auto end = packet.read(address, address_limit); end != NetstringEnd::ok) return Missing{end, "sender address"};
  add_sender(address);
  add_origin();
  while (!packet.is_at_end()) {
    if (const auto end = packet.read(address, address_limit); end != NetstringEnd::ok) return Missing{end, "recipient address"};
    add_recipient(address);
  }
  if (const auto end = packet.finish(); end != NetstringEnd::ok) return Missing{end, "QMQP packet trailer"};
  add_content(content);
  return std::nullopt;
}

void Session::add_recipient(const std::string& recipient) {
  if (!is_whole(recipient)) {
    has_bad_address_ = true;
    return;
  }
  if (recipients_++ == 0) first_recipient_ = recipient;
  message_->add(RecordType::recipient, recipient, deadline());
}

void Session::add_sender(const std::string& sender) {
  if (!is_whole(sender)) {
    has_bad_address_ = true;
    return;
  }
  const auto verp = parse_verp_sender(sender);
  message_->add(RecordType::sender, verp ? verp->address : sender, deadline());
  if (!verp) return;
  if (verp->delimiters.find_first_not_of(server_.params().verp_delimiter_filter) != std::string::npos) {
    bad_verp_ = verp->delimiters;
  } else {
    message_->add(RecordType::verp, verp->delimiters, deadline());
  }
}

void Session::add_origin() {
  const auto add = [&](std::string_view name, std::string_view value) { message_->add_attribute(name, value, deadline()); };
  const std::string family = std::to_string(is_v6_ ? AF_INET6 : AF_INET);
  add("log_client_name", name_);
  add("log_client_address", address_);
  add("log_client_port", port_);
  add("log_message_origin", client_);
  add("log_protocol_name", "QMQP");
  add("client_name", name_);
  add("client_address", address_);
  add("client_port", port_);
  add("client_address_type", family);
  add("protocol_name", "QMQP");
}

std::string Session::received_header() const {
  const std::string literal = is_v6_ ? "IPv6:" + address_ : address_;
  const std::string date = mail::rfc5322_date(arrived_);
  const std::string from = fmt::format("Received: from {} ({} [{}])\n\tby {} ({}) with QMQP", name_, name_, literal,
                                       server_.params().myhostname, server_.params().mail_name);
  if (recipients_ != 1) return fmt::format("{}\n\tid {}; {}", from, message_->queue_id(), date);
  return fmt::format("{} id {}\n\tfor <{}>; {}", from, message_->queue_id(), mail::to_external(first_recipient_), date);
}

void Session::add_content(std::string_view content) {
  const auto limit = static_cast<std::size_t>(server_.params().line_length_limit);
  message_->add(RecordType::message_start, "", deadline());
  const std::string received = received_header();
  for (const std::string_view line : ascii::split(received, "\n")) message_->add(RecordType::normal, line, deadline());
  while (!content.empty()) {
    const std::string_view line = content.substr(0, content.find('\n'));
    content.remove_prefix(std::min(line.size() + 1, content.size()));
    message_->add_line(line, limit, deadline());
  }
  message_->add(RecordType::extracted, "", deadline());
}

void Session::finish() {
  if (has_bad_address_) return refuse(Answer::never, "bad address syntax");
  if (!bad_verp_.empty()) {
    return refuse(Answer::never, fmt::format("Invalid VERP delimiters: \"{}\". Need two characters from \"{}\"", bad_verp_,
                                             server_.params().verp_delimiter_filter));
  }
  const auto closed = message_->finish(deadline());
  if (!closed) {
    maillog::warning("{}: {}", message_->queue_id(), closed.error().message());
    return refuse(Answer::later, "queue file write error");
  }
  const auto or_reason = [&](std::string_view text) { return closed->reason.empty() ? text : std::string_view(closed->reason); };
  using ipc::CleanupStatus;
  switch (closed->status) {
    case CleanupStatus::ok: return reply(Answer::taken, fmt::format("Ok: queued as {}", message_->queue_id()));
    case CleanupStatus::bad: return refuse(Answer::later, "internal error");
    case CleanupStatus::space: return refuse(Answer::later, "insufficient system storage");
    case CleanupStatus::size: return refuse(Answer::never, "message too large");
    case CleanupStatus::hops: return refuse(Answer::never, "too many hops");
    case CleanupStatus::recipients: return refuse(Answer::never, "no recipients specified");
    case CleanupStatus::content: {
      // A rule may ask for another try: "4.7.1 ...".
      const std::string_view text = or_reason("message content rejected");
      return refuse(text.starts_with("4.") ? Answer::later : Answer::never, text);
    }
    case CleanupStatus::write:
    case CleanupStatus::defer:
    case CleanupStatus::nobody_home: break;
  }
  refuse(Answer::later, or_reason("queue file write error"));
}

}  // namespace qmqpd
