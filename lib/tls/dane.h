#pragma once
// DNS-based authentication (RFC 6698, RFC 7672) by OpenSSL. Internal to lib/tls.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/tls/openssl.h"
#include "lib/tls/settings.h"

namespace tls {

// Which digests count (tls_dane_digests), the best first: of several in a set of records only that one does (RFC 7671 section 9). What
// is wrong with the list is logged, and the digest does not count.
[[nodiscard]] Result<void> use_dane_digests(SSL_CTX* context, std::string_view list);

// The records that the server `name` has. What comes back are the places of those that cannot be used; when that is all of them, the
// connection goes on without.
[[nodiscard]] Result<std::vector<std::size_t>> use_dane(SSL* ssl, const std::string& name, std::span<const DaneRecord> records);

// The same with trust anchors of our own: no name is asked for, and the server's is looked at in any case.
[[nodiscard]] Result<std::vector<std::size_t>> use_anchors(SSL* ssl, std::span<const DaneRecord> anchors);

// Once the handshake is over: the record by which the server is whom it should be, "EE certificate at depth 0: 3 1 1 0B9F...". Empty:
// none.
[[nodiscard]] std::string dane_match(SSL* ssl);

}  // namespace tls
