#include "cleanup/filters.h"

#include <algorithm>

#include <fmt/format.h>

#include "cleanup/edits.h"
#include "cleanup/handed_over.h"
#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"

namespace cleanup {
namespace {

using milter::Command;
using milter::Verdict;

constexpr std::string_view end_of_message = "END-OF-MESSAGE";
constexpr std::size_t code_size = 4;   // "550 "

milter::Milter::Client client_of(const Message& message) {
  const std::string_view name = message.fact("client_name"), address = message.fact("client_address");
  if (name.empty() || address.empty()) return {.name = "localhost", .address = "127.0.0.1"};
  const auto port = ascii::parse_number(message.fact("client_port"), 65535);
  return {.name = std::string(name), .address = std::string(address), .is_v6 = address.contains(':'), .port = static_cast<int>(port.value_or(0))};
}

}  // namespace

ContentFilters::ContentFilters(const FilterSetup& setup, const Policy& policy, Draft& draft, Message& message, ipc::CleanupFlags flags)
    : setup_(setup),
      policy_(policy),
      draft_(draft),
      message_(message),
      is_returned_(ipc::has(flags, ipc::CleanupFlags::bounce)),
      plays_(!ipc::has(flags, ipc::CleanupFlags::own_milters)) {
  if (plays_) milters_ = milter::Milters(setup.filters, setup.macro_lists);
}

std::optional<std::string> ContentFilters::macro(std::string_view name) const {
  const auto fact = [&](std::string_view fact_name) -> std::optional<std::string> {
    const std::string_view value = message_.fact(fact_name);
    if (value.empty()) return std::nullopt;
    return std::string(value);
  };
  const milter::Milter::Client client = client_of(message_);
  if (name == "i") return message_.queue_id();
  if (name == "j") return policy_.myhostname;
  if (name == "v") return setup_.v;
  if (name == "_") return fmt::format("{} [{}]", client.name, client.address);
  if (name == "daemon_name") return setup_.daemon_name;
  if (name == "daemon_addr") return fact("server_address").value_or("127.0.0.1");
  if (name == "daemon_port") return fact("server_port").value_or("0");
  if (name == "client_name") return client.name;
  if (name == "client_addr") return client.address;
  if (name == "client_port") return std::to_string(client.port);
  if (name == "client_ptr") return fact("reverse_client_name").value_or(client.name);
  if (name == "auth_type") return fact("sasl_method");
  if (name == "auth_authen") return fact("sasl_username");
  if (name == "auth_author") return fact("sasl_sender");
  if (name == "mail_addr") return mail_address_;
  if (name == "rcpt_addr") return recipient_;
  return std::nullopt;
}

void ContentFilters::tell(std::string_view action, std::string_view stage, std::string_view text) const {
  const CheckedMessage about = message_.checked("");
  std::string details = fmt::format(" from=<{}>", mail::to_external(about.sender));
  if (!about.recipient.empty()) details += fmt::format(" to=<{}>", mail::to_external(about.recipient));
  if (!about.protocol.empty()) details += fmt::format(" proto={}", about.protocol);
  if (!about.helo.empty()) details += fmt::format(" helo=<{}>", about.helo);
  // Who has no session is told of as milters hear of him.
  const std::string origin = about.origin == "local" ? "localhost[127.0.0.1]" : about.origin;
  maillog::info("{}: milter-{}: {} from {}: {};{}", about.queue_id, action, stage, origin, ascii::printable(text), details);
}

bool ContentFilters::take(const Verdict& verdict, std::string_view stage) {
  switch (verdict.kind) {
    case Verdict::Kind::go_on: return true;
    case Verdict::Kind::hold:
      tell("hold", stage, verdict.reply);
      message_.hold();
      return true;
    case Verdict::Kind::discard:
      tell("discard", stage, "milter triggers DISCARD action");
      message_.discard();
      return false;
    case Verdict::Kind::refuse: break;
  }
  const std::string text = verdict.reply.substr(std::min(code_size, verdict.reply.size()));
  tell("reject", stage, text);
  const bool may_come_again = verdict.reply.starts_with('4');
  message_.refuse(may_come_again ? ipc::CleanupStatus::defer : ipc::CleanupStatus::content, text, verdict.reply);
  return false;
}

Result<void> ContentFilters::take_over(io::Stream& stream, std::string_view count, std::chrono::seconds timeout) {
  milters_ = TRY(receive_milters(stream, count, timeout));
  return {};
}

void ContentFilters::follow(queue::RecordType type) {
  if (!plays_ || !is_open()) return;
  if (type == queue::RecordType::sender) play_sender();
  else if (type == queue::RecordType::recipient) play_recipient();
}

void ContentFilters::finish(Output& output) {
  if (is_open() && !draft_.failure() && (!plays_ || play_data())) run();
  if (plays_) milters_.quit();
  const bool is_needed = message_.status() == ipc::CleanupStatus::ok || is_returned_;
  if (is_needed && message_.status() != ipc::CleanupStatus::bad && !message_.is_discarded()) write(output);
}

void ContentFilters::play_sender() {
  const milter::Macros macros = [this](std::string_view name) { return macro(name); };
  const milter::Milter::Client client = client_of(message_);
  if (!take(milters_.connect(client, macros), "CONNECT")) return;
  if (!take(milters_.helo(client.name, macros), "EHLO")) return;
  mail_address_ = mail::to_external(message_.sender());
  static_cast<void>(take(milters_.mail({*mail_address_}, macros), "MAIL"));
  mail_address_.reset();
}

void ContentFilters::play_recipient() {
  recipient_ = mail::to_external(message_.last_recipient());
  const Verdict verdict = milters_.rcpt({*recipient_}, [this](std::string_view name) { return macro(name); });
  recipient_.reset();
  if (!verdict.refuses()) {
    static_cast<void>(take(verdict, "RCPT"));
    return;
  }
  tell("reject", "RCPT", verdict.reply.substr(std::min(code_size, verdict.reply.size())));
  maillog::warning("{}: milter configuration error: can't reject recipient in non-smtpd(8) submission", message_.queue_id());
  maillog::warning("{}: message not accepted, try again later", message_.queue_id());
  message_.refuse(ipc::CleanupStatus::defer, "", "");
}

bool ContentFilters::play_data() {
  return take(milters_.data([this](std::string_view name) { return macro(name); }), "DATA");
}

void ContentFilters::run() {
  for (milter::Milter& one : milters_.row()) {
    if (!take(filter(one), end_of_message) || !is_open()) return;
  }
}

void ContentFilters::write(Output& output) {
  if (!has_read_header_) {
    if (auto read = draft_.read_header(policy_.header_size_limit); !read) return message_.fail_write(read.error());
    has_read_header_ = true;
  }
  if (auto copied = draft_.copy_to(output, policy_.line_length_limit); !copied) message_.fail_write(copied.error());
}

Verdict ContentFilters::filter(milter::Milter& one) {
  if (!one.listens()) return one.stands_within_message();
  if (!has_read_header_) {
    if (auto read = draft_.read_header(policy_.header_size_limit); !read) {
      message_.fail_write(read.error());
      return {};
    }
    has_read_header_ = true;
  }
  const Verdict verdict = send_content(one);
  if (!verdict.goes_on() || !one.listens()) return verdict;
  return end(one);
}

Verdict ContentFilters::send_content(milter::Milter& one) {
  const milter::Macros macros = [this](std::string_view name) { return macro(name); };
  const std::vector<std::string>& header = draft_.header();
  const std::size_t own = own_received(header);
  for (std::size_t i = 0; i < header.size() && one.wants(Command::header); ++i) {
    const auto field = mail::split_header(header[i]);
    if (!field || i == own) continue;
    Verdict verdict = one.header(field->name, field->value, macros);
    if (!verdict.goes_on()) return verdict;
  }
  if (one.wants(Command::end_of_header)) {
    Verdict verdict = one.end_of_header(macros);
    if (!verdict.goes_on()) return verdict;
  }
  Verdict verdict;
  if (!one.wants(Command::body)) return verdict;
  auto read = draft_.read_body(milter::chunk_size, [&](std::string_view piece) {
    verdict = one.body(piece, macros);
    return verdict.goes_on() && one.wants(Command::body);
  });
  if (!read) message_.fail_write(read.error());
  return verdict;
}

Verdict ContentFilters::end(milter::Milter& one) {
  const milter::Macros macros = [this](std::string_view name) { return macro(name); };
  Edits edits(draft_, message_, policy_, one.keeps_leading_space());
  std::optional<base::Error> failure;
  Verdict verdict = one.end_of_body(macros, edits, failure);
  if (failure) {
    if (failure->message() == too_big) {
      maillog::warning("{}: queue file size limit exceeded", message_.queue_id());
      message_.refuse(ipc::CleanupStatus::size, "", "");
    } else {
      message_.fail_write(*failure);
    }
    return {};
  }
  if (edits.quarantine_reason() && (verdict.goes_on() || verdict.kind == Verdict::Kind::hold)) {
    tell("hold", end_of_message, *edits.quarantine_reason());
    message_.hold();
  }
  // Of one that has failed, or does not want the message, nothing counts.
  if (!verdict.goes_on() || one.has_failed()) return verdict;
  message_.take_milter_checks(edits.checks());
  if (!is_open()) return {};
  if (auto committed = edits.commit(); !committed) message_.fail_write(committed.error());
  return verdict;
}

}  // namespace cleanup
