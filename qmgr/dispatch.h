#pragma once
// One delivery: a batch of recipients goes to an agent, the answer comes back.

#include <string>

#include "lib/ipc/connections.h"
#include "lib/queue/layout.h"
#include "qmgr/active_message.h"
#include "qmgr/destination.h"

namespace qmgr {

// How a delivery ended, as far as scheduling is concerned; what happened to each recipient is in the queue file, the log
// and the bounce and defer logs by then.
struct Dispatched {
  enum class How {
    answered,      // the agent has answered
    unreachable,   // nobody serves the transport: nothing was tried
    agent_died,    // it may have delivered to some recipients; the marks in the file say to which
    file_gone,     // the queue file is not there (postsuper -d)
    in_use,        // somebody has the file for himself: nothing was tried
  };
  How how;
  ipc::DeliveryAnswer answer;   // answered
  std::string reason;           // of the others
};

struct DispatchSettings {
  std::chrono::seconds ipc_limit;   // for the request to reach the agent; a delivery may take as long as it does
  bool confirms_delay_cleared;
};

// Parks until the agent answers.
[[nodiscard]] Dispatched dispatch(ipc::Connections& services, const queue::Layout& layout, const std::string& transport,
                                  const Destination& destination, const Batch& batch, Stamp now, const DispatchSettings& settings);

}  // namespace qmgr
