#pragma once
// A client who wants TLS: tlsproxy(8) speaks it, since this process has no key.

#include <string>

#include "lib/ipc/connections.h"

namespace postscreen {

class TlsProxy {
 public:
  // `service`: tlsproxy_service_name.
  TlsProxy(ipc::Connections& services, const std::string& service) : services_(services), socket_("private/" + service) {}

  // A connection over which a client's descriptor can be sent (ipc::TlsProxyClient). Parks. The error: there is no TLS to be had.
  [[nodiscard]] Result<io::Stream> prepare(const std::string& client, std::chrono::seconds handshake_timeout);

 private:
  ipc::Connections& services_;
  std::string socket_;
};

// Connects to a service in master.cf. One that is not there will not come up while a client waits.
[[nodiscard]] Result<io::Stream> connect_now(ipc::Connections& services, const std::string& socket, Deadline deadline);

}  // namespace postscreen
