#pragma once
// A delivery agent hands a recipient on to another one, which delivers, logs, and appends a failure to the bounce or defer
// log, as if qmgr(8) had asked it; the done mark stays with the agent that qmgr asked. (mailbox_transport, best_mx_transport.)

#include <string>

#include "lib/ipc/connections.h"
#include "lib/ipc/messages/delivery.h"

namespace delivery {

struct Passing {
  std::string to;        // transport, or transport:nexthop
  std::string nexthop;   // where `to` names none
  std::string sender;    // internal form
  ipc::DeliveryRecipient recipient;
};

// Whether the other agent is done with the recipient, or wants him to come again. An Error: it was not reached, or died over
// the delivery. What has reached an agent is not sent again, as it may have been delivered.
[[nodiscard]] Result<bool> pass_on(ipc::Connections& services, const ipc::DeliveryRequest& request, Passing passing);

}  // namespace delivery
