#pragma once
// Where a recipient goes: what trivial-rewrite(8) says, and what qmgr knows better.

#include <string>

#include "lib/ipc/addresses.h"
#include "lib/ipc/messages/delivery.h"
#include "qmgr/active_message.h"
#include "qmgr/qmgr_params.h"
#include "qmgr/scheduler.h"

namespace qmgr {

struct Route {
  std::string transport, nexthop, recipient;
};

class Router {
 public:
  // All are borrowed.
  Router(const Params& params, const Scheduler& scheduler, ipc::Connections& services, const base::Clock& clock)
      : params_(params), scheduler_(scheduler), addresses_(services, clock, "private/" + params.rewrite_service_name) {}

  // Parks.
  [[nodiscard]] Route route(const ActiveMessage& message, const ipc::DeliveryRecipient& recipient);

 private:
  [[nodiscard]] Route filter(const ActiveMessage& message, const ipc::DeliveryRecipient& recipient) const;
  [[nodiscard]] bool is_deferred_transport(std::string_view name) const;

  const Params& params_;
  const Scheduler& scheduler_;
  ipc::Addresses addresses_;
};

}  // namespace qmgr
