#include "smtpd/forwarded.h"

#include <fmt/format.h>

#include "smtpd/client.h"

namespace smtpd {
namespace {

std::string known(const std::optional<std::string>& value) { return value.value_or(std::string(Client::unknown)); }

}  // namespace

void Forwarded::take(std::span<const ClientFact> facts) {
  for (const ClientFact& fact : facts) {
    const auto& value = fact.value;
    switch (fact.attribute) {
      case ClientAttribute::name: name_ = value; break;
      case ClientAttribute::address: address_ = value; break;
      case ClientAttribute::port: port_ = value; break;
      case ClientAttribute::helo: helo_ = value; break;
      case ClientAttribute::protocol: protocol_ = value; break;
      case ClientAttribute::ident: ident_ = value.value_or(""); continue;
      case ClientAttribute::source: source_ = value.value_or(""); continue;
      case ClientAttribute::reverse_name:
      case ClientAttribute::login:
      case ClientAttribute::server_address:
      case ClientAttribute::server_port: continue;  // XCLIENT's
    }
    has_client_ = true;
  }
}

std::string Forwarded::name_and_address(bool with_port) const {
  std::string out = known(name_);
  if (!address_) return out;
  out += fmt::format("[{}]", *address_);
  if (with_port) out += fmt::format(":{}", known(port_));
  return out;
}

LoggedClient Forwarded::logged(bool with_port) const {
  const bool is_v6 = address_ && address_->contains(':');
  return {.name = known(name_),
          .address = (is_v6 ? "IPv6:" : "") + known(address_),
          .port = known(port_),
          .message_origin = name_and_address(with_port),
          .helo = helo_.value_or(""),
          .protocol = known(protocol_)};
}

}  // namespace smtpd
