#include "bounce/agent.h"

#include <string_view>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/dsn.h"

namespace bounce {
namespace {

// Where a route gives no reason.
constexpr std::string_view no_reason = "Address is undeliverable";

// As Postfix names it in warnings.
std::string_view doing(delivery::Status status) {
  switch (status) {
    case delivery::Status::sent: return "sent";
    case delivery::Status::bounced: return "bounce_append";
    case delivery::Status::deferred: break;
  }
  return "defer_append";
}

// A route's text with or without a status code in front. A code of another class than the agent's means nothing.
delivery::Delivery from_route(const ipc::DeliveryRequest& request, delivery::Status status, int cls) {
  std::string_view text = ascii::trim(request.nexthop);
  const bool says_nothing = text.empty();
  const auto dsn = mail::Dsn::parse_prefix(text);
  if (dsn && dsn->cls() != cls) maillog::warning("{}: ignoring dsn code \"{}\"", doing(status), dsn->text());
  delivery::Delivery delivery;
  delivery.status = status;
  delivery.dsn = dsn && dsn->cls() == cls ? *dsn : mail::Dsn(cls, 0, 0);
  delivery.reason = says_nothing ? no_reason : text;
  return delivery;
}

}  // namespace

delivery::Delivery decide_error(const ipc::DeliveryRequest& request) {
  return from_route(request, delivery::Status::bounced, 5);
}

delivery::Delivery decide_retry(const ipc::DeliveryRequest& request) {
  return from_route(request, delivery::Status::deferred, 4);
}

delivery::Delivery decide_discard(const ipc::DeliveryRequest& request) {
  return from_route(request, delivery::Status::sent, 2);
}

void Agent::serve(server::Connection& connection) {
  server::serve_requests<ipc::Deliver>(connection, [this](const ipc::DeliveryRequest& request) {
    delivery::Recorder recorder(request, sink_, clock_, settings_);
    const delivery::Delivery delivery = decide_(request);
    for (const ipc::DeliveryRecipient& recipient : request.recipients) recorder.record(recipient, delivery);
    return recorder.answer();
  });
}

}  // namespace bounce
