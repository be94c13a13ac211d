#include "smtp/endings.h"

#include <utility>

#include <fmt/core.h>

namespace smtp::endings {
namespace {

delivery::Status status_of(const mail::Dsn& dsn) {
  return dsn.is_permanent() ? delivery::Status::bounced : delivery::Status::deferred;
}

delivery::Delivery of_reply(const Peer& peer, const ServerReply& reply, std::string reason) {
  delivery::Delivery delivery = at(peer, reply.dsn, std::move(reason));
  delivery.diag_type = "smtp";
  delivery.diag_text = reply.text;
  delivery.mta_type = "dns";
  delivery.mta_mname = peer.host;
  return delivery;
}

}  // namespace

delivery::Delivery failed(mail::Dsn dsn, std::string reason) {
  delivery::Delivery delivery;
  delivery.status = status_of(dsn);
  delivery.dsn = dsn;
  delivery.reason = std::move(reason);
  return delivery;
}

delivery::Delivery at(const Peer& peer, mail::Dsn dsn, std::string reason) {
  delivery::Delivery delivery = failed(dsn, std::move(reason));
  delivery.relay = peer.relay();
  return delivery;
}

delivery::Delivery lost(const Peer& peer, std::string_view stage) {
  return at(peer, {4, 4, 2}, fmt::format("lost connection with {} while {}", peer.text(), stage));
}

delivery::Delivery timed_out(const Peer& peer, std::string_view stage) {
  return at(peer, {4, 4, 2}, fmt::format("conversation with {} timed out while {}", peer.text(), stage));
}

delivery::Delivery refused(const Peer& peer, const ServerReply& reply) {
  return of_reply(peer, reply, fmt::format("host {} refused to talk to me: {}", peer.text(), reply.text));
}

delivery::Delivery said(const Peer& peer, const ServerReply& reply, std::string_view command) {
  // A success where there should be none: the server speaks some other protocol.
  const bool is_wrong = reply.is_positive();
  delivery::Delivery delivery = of_reply(peer, reply, fmt::format("{}host {} said: {} (in reply to {})", is_wrong ? "Protocol error: " : "",
                                                                  peer.text(), reply.text, command));
  if (is_wrong) {
    delivery.dsn = mail::Dsn(5, 5, 0);
    delivery.status = status_of(delivery.dsn);
  }
  return delivery;
}

delivery::Delivery sent(const Peer& peer, const ServerReply& reply) {
  delivery::Delivery delivery = of_reply(peer, reply, reply.text);
  delivery.status = delivery::Status::sent;
  if (!delivery.dsn.is_success()) delivery.dsn = mail::Dsn(2, 0, 0);
  return delivery;
}

}  // namespace smtp::endings
