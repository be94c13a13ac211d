#pragma once
// What a session counts for; and a client's sessions as bytes, to be kept and offered again. Internal to lib/tls; Session is what others see of it.

#include <string>
#include <string_view>

#include "lib/tls/openssl.h"
#include "lib/tls/settings.h"

namespace tls {

// DER, with the server's certificate and what was found of it; empty when that fails.
[[nodiscard]] std::string session_bytes(SSL_SESSION* session);

// Null: it cannot be read, its time is over, or that of the certificate.
[[nodiscard]] SessionPtr session_of(std::string_view bytes);

// Where a server's tickets count: in its service, as long as a client's certificate is looked at in the same way. To be called before
// a chroot, since files count as they are now.
[[nodiscard]] std::string ticket_scope(const ServerSettings& settings);
// What a client's session depends on; to be called as ticket_scope.
[[nodiscard]] std::string settings_text(const ClientSettings& settings);
// For ClientContext::session_digest; empty when it fails.
[[nodiscard]] std::string session_digest(std::string_view settings, const ServerDemands& demands);

}  // namespace tls
