#pragma once
// Where a server has the keys of its session tickets from: tlsmgr(8), so that all processes of a service have the same.

#include <string>

#include "lib/ipc/connections.h"
#include "lib/tls/tickets.h"

namespace ipc {

class TicketSource {
 public:
  // `tlsmgr`: tlsmgr_service_name; `service`: whose tickets they are.
  TicketSource(Connections& connections, std::string_view tlsmgr, std::string service)
      : connections_(connections), socket_("private/" + std::string(tlsmgr)), service_(std::move(service)) {}

  // Before a handshake. Parks only where keys are due; a failure is logged, and then sessions are not resumed.
  void refresh(tls::TicketKeys& keys);

 private:
  Connections& connections_;
  std::string socket_, service_;
};

}  // namespace ipc
