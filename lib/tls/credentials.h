#pragma once
// Certificates and keys from files. Internal to lib/tls.

#include "lib/base/error.h"
#include "lib/tls/openssl.h"
#include "lib/tls/settings.h"

namespace tls {

// The error names the file; the library's queue has more.
[[nodiscard]] Result<void> load_credentials(SSL_CTX* context, const Credentials& credentials);

// For one connection: keys and certificates from text in PEM, of which `source` says where it is from.
[[nodiscard]] Result<void> use_chain(SSL* ssl, const std::string& pem, const std::string& source);

}  // namespace tls
