// The session's part in a message: from MAIL to the records that tell where it came from.

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/check.h"
#include "lib/log/log.h"
#include "smtpd/received.h"
#include "smtpd/session.h"

namespace smtpd {

Announced Session::announced() const {
  const bool may_verp = is_listed_in(server_.tables().verp_clients);
  return {.eight_bit_mime = !has(discarded_, Ehlo::eight_bit_mime),
          .dsn = !has(discarded_, Ehlo::dsn),
          .smtputf8 = params().smtputf8_enable && !has(discarded_, Ehlo::smtputf8),
          .require_tls = offers_require_tls() && !has(discarded_, Ehlo::require_tls),
          .verp_default = params().default_verp_delimiters,
          .verp_filter = may_verp ? std::string_view(params().verp_delimiter_filter) : std::string_view()};
}

std::optional<Reply> Session::undeclared_utf8(std::string_view address, bool declared) const {
  if (!params().strict_smtputf8 || !params().smtputf8_enable || declared) return std::nullopt;
  if (ascii::is_ascii(address)) return std::nullopt;
  return Reply(553, "5.6.7 Must declare SMTPUTF8 to send unicode address");
}

Transaction& Session::transaction() {
  CHECK(transaction_ != nullptr);
  return *transaction_;
}

void Session::begin(std::unique_ptr<Transaction> transaction) {
  CHECK(phase_ == Phase::idle);
  transaction_ = std::move(transaction);
  if (decided_ != ipc::MessageFlags::none) transaction_->decide(decided_);
  phase_ = Phase::mail;
}

std::optional<Reply> Session::open_at_cleanup() {
  Transaction& message = transaction();
  const bool has_milters = milters_.have_a_say();
  auto opened = server_.open_intake(snapshot_, message.parameters(), has_milters);
  if (!opened) {
    maillog::warning("{}", opened.error().message());
    if (opened.error().code() == ENOSPC) return refuse(Reply(452, "4.3.1 Insufficient system storage"));
    return refuse(Reply(451, "4.3.0 Error: queue file write error"));
  }
  message.open(std::move(*opened), origin(), params().ipc_timeout, static_cast<std::size_t>(params().line_length_limit));
  if (has_milters) message.ask(milters_.row());
  return std::nullopt;
}

std::optional<Reply> Session::open_message() {
  Transaction& message = transaction();
  if (message.is_open()) return std::nullopt;
  if (auto refusal = is_filtered() ? open_filtered() : open_at_cleanup()) return refusal;
  std::string more;
  if (login_) more += fmt::format(", sasl_method={}, sasl_username={}", login_->method, login_->username);
  if (const std::string_view sender = sasl_sender(); !sender.empty()) more += fmt::format(", sasl_sender={}", sender);
  if (forwarded_ && !forwarded_->ident().empty()) more += fmt::format(", orig_queue_id={}", forwarded_->ident());
  if (forwarded_ && forwarded_->has_client()) {
    more += fmt::format(", orig_client={}", forwarded_->name_and_address(params().smtpd_client_port_logging));
  }
  maillog::info("{}: client={}{}", log_id(), client_.name_and_address, more);
  return std::nullopt;
}

std::string_view Session::sasl_sender() const {
  return transaction_ ? std::string_view(transaction_->parameters().auth_sender) : std::string_view();
}

Origin Session::origin() const {
  return {.client_name = client_.name,
          .client_address = client_.address,
          .client_port = client_.port,
          .reverse_name = client_.reverse_name,
          .helo = helo_,
          .protocol = protocol(),
          .logged = forwarded_ && forwarded_->has_client()
                        ? forwarded_->logged(params().smtpd_client_port_logging)
                        : LoggedClient{.name = client_.name,
                                       .address = client_.address_literal(),
                                       .port = client_.port,
                                       .message_origin = client_.name_and_address,
                                       .helo = helo_,
                                       .protocol = std::string(protocol())},
          .ident = forwarded_ ? std::string_view(forwarded_->ident()) : std::string_view(),
          .server_address = server_address_,
          .server_port = server_port_,
          .rewrite_context = rewrite_context(),
          .sasl_method = login_ ? std::string_view(login_->method) : std::string_view(),
          .sasl_username = login_ ? std::string_view(login_->username) : std::string_view(),
          .is_v6 = client_.ip.is_v6(),
          .content_filter = params().content_filter};
}

// The machine that is connected is asked for its address, whomever it speaks for.
std::string_view Session::rewrite_context() const {
  if (forwarded_ && !forwarded_->source().empty()) return forwarded_->source();
  const std::vector<std::string>& own = server_.tables().own_addresses;
  for (const std::string_view name : ascii::split(params().local_header_rewrite_clients, ", \t\r\n")) {
    const bool is_local =
        (name == "permit_sasl_authenticated" && login_) ||
        (name == "permit_inet_interfaces" && client_.peer &&
         std::ranges::find(own, client_.peer->text()) != own.end()) ||
        (name == "permit_mynetworks" && client_.is_ip &&
         server_.tables().policy.mynetworks.matches(client_.address).value_or(false));
    if (is_local) return "local";
  }
  return client_.peer ? "remote" : "local";
}

std::string Session::received_header() const {
  CHECK(transaction_ != nullptr);
  const bool has_field = is_filtered() && transaction_->parameters().require_tls && params().requiretls_esmtp_header;
  return smtpd::received_header({.client = client_,
                                 .helo = helo_,
                                 .protocol = protocol(),
                                 .tls = params().smtpd_tls_received_header ? tls() : nullptr,
                                 .is_encrypted = is_encrypted(),
                                 .asked_certificate = server_.tls().context && server_.tls().context->settings().asks_certificate,
                                 .login = login_ ? std::optional<std::string_view>(login_->username) : std::nullopt,
                                 .shows_login = params().smtpd_sasl_authenticated_header,
                                 .smtputf8 = transaction_->parameters().smtputf8,
                                 .hide_client = params().smtpd_hide_client_session,
                                 .myhostname = params().myhostname,
                                 .mail_name = params().mail_name,
                                 .queue_id = transaction_->queue_id(),
                                 .only_recipient = transaction_->only_recipient(),
                                 .arrived = transaction_->arrived()}) +
         (has_field ? "\nRequire-TLS-ESMTP: yes" : "");
}

}  // namespace smtpd
