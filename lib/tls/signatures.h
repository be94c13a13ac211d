#pragma once
// What a handshake was signed with. Internal to lib/tls.

#include "lib/tls/facts.h"
#include "lib/tls/openssl.h"

namespace tls {

// The key exchange, and both sides' signatures and digests: TLS 1.3 only, and signatures only of a handshake in full.
void add_signatures(SSL* ssl, Facts& facts);

}  // namespace tls
