#pragma once
// Lets OpenSSL seal and open session tickets with our keys. Internal to lib/tls.

#include <string>

#include "lib/base/error.h"
#include "lib/tls/openssl.h"
#include "lib/tls/tickets.h"

namespace tls {

// What the connections of a context share; it outlives them.
struct TicketSealing {
  TicketKeys keys;
  const EVP_CIPHER* cipher = nullptr;   // null: no tickets
};

// A cipher that can seal tickets, or null.
[[nodiscard]] const EVP_CIPHER* ticket_cipher(const std::string& name);

// Sessions of this context are resumed by tickets of `sealing`, which count where the scope (ticket_scope) is the same.
[[nodiscard]] Result<void> use_tickets(SSL_CTX* context, TicketSealing& sealing, const std::string& scope);

// Before a handshake, on the server's side.
void prepare_tickets(SSL* ssl, Deadline now);

}  // namespace tls
