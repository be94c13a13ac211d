#pragma once
// Raw public keys in place of certificates (RFC 7250). OpenSSL has them since 3.2: with an older one there are only certificates, and
// nothing is asked for here. Internal to lib/tls.

#include "lib/base/error.h"
#include "lib/tls/openssl.h"

namespace tls {

// The server's side: its own key for whoever would rather have that, and the client's in place of a certificate if `wants_key`.
[[nodiscard]] Result<void> offer_raw_keys_to_client(SSL* ssl, bool wants_key);
// The client's side, the same way round.
[[nodiscard]] Result<void> offer_raw_keys_to_server(SSL* ssl, bool wants_key);

// Once the handshake is over: the key that the other side has shown in place of a certificate; null: it has not. The session's.
[[nodiscard]] EVP_PKEY* peer_raw_key(const SSL* ssl);
// Whether we have shown ours so.
[[nodiscard]] bool has_shown_raw_key(const SSL* ssl);

}  // namespace tls
