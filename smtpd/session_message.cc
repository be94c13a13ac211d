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
  return {.eight_bit_mime = !has(discarded_, Ehlo::eight_bit_mime),
          .dsn = !has(discarded_, Ehlo::dsn),
          .smtputf8 = params().smtputf8_enable && !has(discarded_, Ehlo::smtputf8)};
}

std::optional<Reply> Session::undeclared_utf8(std::string_view address, bool declared) const {
  if (!params().strict_smtputf8 || !params().smtputf8_enable || declared) return std::nullopt;
  const bool is_ascii = std::ranges::all_of(address, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (is_ascii) return std::nullopt;
  return Reply(553, "5.6.7 Must declare SMTPUTF8 to send unicode address");
}

Transaction& Session::transaction() {
  CHECK(transaction_ != nullptr);
  return *transaction_;
}

void Session::begin(std::unique_ptr<Transaction> transaction) {
  CHECK(phase_ == Phase::idle);
  transaction_ = std::move(transaction);
  phase_ = Phase::mail;
}

std::optional<Reply> Session::open_message() {
  Transaction& message = transaction();
  if (message.is_open()) return std::nullopt;
  auto opened = server_.open_intake(snapshot_, message.parameters().smtputf8);
  if (!opened) {
    maillog::warning("{}", opened.error().message());
    if (opened.error().code() == ENOSPC) return refuse(Reply(452, "4.3.1 Insufficient system storage"));
    return refuse(Reply(451, "4.3.0 Error: queue file write error"));
  }
  message.open(std::move(*opened), origin(), params().ipc_timeout, static_cast<std::size_t>(params().line_length_limit));
  const std::string& auth_sender = message.parameters().auth_sender;
  const bool has_auth_sender = !auth_sender.empty() && auth_sender != "<>";
  maillog::info("{}: client={}{}{}", message.queue_id(), client_.name_and_address, has_auth_sender ? ", sasl_sender=" : "",
            has_auth_sender ? auth_sender : std::string());
  return std::nullopt;
}

Origin Session::origin() const {
  return {.client_name = client_.name,
          .client_address = client_.address,
          .client_port = client_.port,
          .reverse_name = client_.reverse_name,
          .message_origin = client_.name_and_address,
          .helo = helo_,
          .protocol = protocol(),
          .server_address = server_address_,
          .server_port = server_port_,
          .rewrite_context = rewrite_context(),
          .is_v6 = client_.ip.is_v6(),
          .content_filter = params().content_filter};
}

std::string_view Session::rewrite_context() const {
  const std::vector<std::string>& own = server_.tables().own_addresses;
  for (const std::string_view name : ascii::split(params().local_header_rewrite_clients, ", \t\r\n")) {
    const bool is_local =
        (name == "permit_inet_interfaces" && client_.is_ip &&
         std::ranges::find(own, client_.address) != own.end()) ||
        (name == "permit_mynetworks" && client_.is_ip &&
         server_.tables().policy.mynetworks.matches(client_.address).value_or(false));
    if (is_local) return "local";
  }
  return client_.is_ip ? "remote" : "local";
}

std::string Session::received_header() const {
  CHECK(transaction_ != nullptr);
  return smtpd::received_header({.client = client_,
                                 .helo = helo_,
                                 .protocol = protocol(),
                                 .smtputf8 = transaction_->parameters().smtputf8,
                                 .hide_client = params().smtpd_hide_client_session,
                                 .myhostname = params().myhostname,
                                 .mail_name = params().mail_name,
                                 .queue_id = transaction_->queue_id(),
                                 .only_recipient = transaction_->only_recipient(),
                                 .arrived = transaction_->arrived()});
}

}  // namespace smtpd
