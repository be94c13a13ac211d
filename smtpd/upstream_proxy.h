#pragma once
// Connections that come through a proxy (smtpd_upstream_proxy_protocol): who is behind it.

#include "lib/server/service.h"
#include "smtpd/server.h"

namespace smtpd {

// Takes the proxy's header, and not a byte more: TLS may begin behind it. The connection is then the client's. False: there
// is none that can be used; the proxy has been told that no session follows, and that has been logged.
[[nodiscard]] bool take_proxy_header(Server& server, server::Connection& connection);

}  // namespace smtpd
