#include "smtpd/limits.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "lib/log/log.h"

namespace smtpd {
namespace {

// The network of `bits` that the address is in, as "192.0.2.0/24"; the plain address when `bits` covers all of it.
std::string network_of(const io::Address& address, int bits) {
  const std::string_view bytes = address.bytes();
  if (bits >= static_cast<int>(bytes.size()) * 8) return address.text();
  std::array<unsigned char, 16> masked{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int kept = std::clamp(bits - static_cast<int>(i) * 8, 0, 8);
    masked[i] = static_cast<unsigned char>(static_cast<unsigned char>(bytes[i]) & (0xff00 >> kept));
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.family(), masked.data(), text.data(), text.size());
  return fmt::format("{}/{}", text.data(), bits);
}

}  // namespace

ClientLimits::ClientLimits(ipc::AnvilClient& anvil, const Params& params, const maps::MatchList& exceptions,
                           std::string_view service, const Client& client)
    : anvil_(anvil), params_(params), exceptions_(exceptions), client_(client), service_(service) {}

void ClientLimits::begin(Speaks speaks) {
  const Client& client = client_;
  const Params& params = params_;
  const bool is_exempt = speaks == Speaks::for_others || !client.is_ip ||
                         exceptions_.matches(client.name, client.address).value_or(false);
  const bool any_limit = params.smtpd_client_connection_count_limit > 0 || params.smtpd_client_connection_rate_limit > 0 ||
                         params.smtpd_client_message_rate_limit > 0 || params.smtpd_client_recipient_rate_limit > 0 ||
                         params.smtpd_client_new_tls_session_rate_limit > 0 ||
                         params.smtpd_client_auth_rate_limit > 0;
  is_limited_ = any_limit && !is_exempt;
  if (!is_limited_) return;
  const int bits = client.ip.is_v6() ? params.smtpd_client_ipv6_prefix_length : params.smtpd_client_ipv4_prefix_length;
  ident_ = fmt::format("{}:{}", service_, network_of(client.ip, bits));
}

void ClientLimits::warn(std::string_view what, int count) const {
  maillog::warning("{} limit exceeded: {} from {} for service {}", what, count, client_.name_and_address, service_);
}

std::optional<Reply> ClientLimits::connected() {
  if (!is_limited_) return std::nullopt;
  const ipc::AnvilAnswer answer = anvil_.ask(ipc::AnvilEvent::connect, ident_);
  is_counted_ = true;
  connections_ = answer.count;
  const auto is_over = [](int limit, int count) { return limit > 0 && count > limit; };
  const bool too_many = is_over(params_.smtpd_client_connection_count_limit, answer.count);
  const bool too_fast = is_over(params_.smtpd_client_connection_rate_limit, answer.rate);
  if (too_many) warn("Connection concurrency", answer.count);
  else if (too_fast) warn("Connection rate", answer.rate);
  else return std::nullopt;
  return Reply(421, fmt::format("4.7.0 {} Error: too many connections from {}", params_.myhostname, client_.address),
               Reply::Then::close);
}

std::optional<Reply> ClientLimits::message() {
  const int limit = params_.smtpd_client_message_rate_limit;
  if (!is_limited_ || limit == 0) return std::nullopt;
  const int rate = anvil_.ask(ipc::AnvilEvent::message, ident_).rate;
  if (rate <= limit) return std::nullopt;
  warn("Message delivery request rate", rate);
  return Reply(450, fmt::format("4.7.1 Error: too much mail from {}", client_.address));
}

std::optional<Reply> ClientLimits::recipient() {
  const int limit = params_.smtpd_client_recipient_rate_limit;
  if (!is_limited_ || limit == 0) return std::nullopt;
  const int rate = anvil_.ask(ipc::AnvilEvent::recipient, ident_).rate;
  if (rate <= limit) return std::nullopt;
  warn("Recipient address rate", rate);
  return Reply(450, fmt::format("4.7.1 Error: too many recipients from {}", client_.address));
}

std::optional<Reply> ClientLimits::new_tls() {
  const int limit = params_.smtpd_client_new_tls_session_rate_limit;
  if (!is_limited_ || limit == 0) return std::nullopt;
  const int rate = anvil_.ask(ipc::AnvilEvent::new_tls, ident_).rate;
  if (rate <= limit) return std::nullopt;
  warn("New TLS session rate", rate);
  return Reply(421, fmt::format("4.7.0 {} Error: too many new TLS sessions from {}", params_.myhostname, client_.name_and_address));
}

bool ClientLimits::has_too_many_tls() {
  const int limit = params_.smtpd_client_new_tls_session_rate_limit;
  return is_limited_ && limit > 0 && anvil_.ask(ipc::AnvilEvent::new_tls_status, ident_).rate > limit;
}

std::optional<Reply> ClientLimits::authentication() {
  const int limit = params_.smtpd_client_auth_rate_limit;
  if (!is_limited_ || limit == 0) return std::nullopt;
  const int rate = anvil_.ask(ipc::AnvilEvent::auth, ident_).rate;
  if (rate <= limit) return std::nullopt;
  warn("AUTH command rate", rate);
  return Reply(450, fmt::format("4.7.1 Error: too many AUTH commands from {}", client_.address));
}

void ClientLimits::disconnected() {
  if (!is_counted_) return;
  is_counted_ = false;
  static_cast<void>(anvil_.ask(ipc::AnvilEvent::disconnect, ident_));
}

}  // namespace smtpd
