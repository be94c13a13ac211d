#pragma once
// The delivery agents that deliver nothing: error(8), as the services error and retry, and discard(8). What becomes of a
// message is decided by its route alone, the same for all its recipients.

#include <functional>
#include <memory>
#include <utility>

#include "lib/delivery/outcome.h"
#include "lib/delivery/recorder.h"
#include "lib/ipc/messages/delivery.h"
#include "lib/server/service.h"

namespace bounce {

using Decide = delivery::Delivery (*)(const ipc::DeliveryRequest& request);

// error: nexthop is "5.1.1 text" or "text", and the reason of the bounce.
[[nodiscard]] delivery::Delivery decide_error(const ipc::DeliveryRequest& request);
// retry: the same for a deferral.
[[nodiscard]] delivery::Delivery decide_retry(const ipc::DeliveryRequest& request);
// discard: nexthop is the reason to log; the message is done.
[[nodiscard]] delivery::Delivery decide_discard(const ipc::DeliveryRequest& request);

class Agent final : public server::Service {
 public:
  Agent(server::Startup& startup, Decide decide, delivery::RecorderSettings settings, delivery::LogSockets sockets, queue::FlushSites sites = {})
      : sites_(std::move(sites)), sink_(startup.services, std::move(sockets), &sites_), clock_(startup.clock), decide_(decide), settings_(settings) {}

  void serve(server::Connection& connection) override;

 private:
  queue::FlushSites sites_;
  delivery::BounceClient sink_;
  const base::Clock& clock_;
  Decide decide_;
  delivery::RecorderSettings settings_;
};

}  // namespace bounce
