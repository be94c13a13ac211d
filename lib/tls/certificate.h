#pragma once
// What is read from a certificate. Internal to lib/tls.

#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/tls/openssl.h"

namespace tls {

// The common name of the subject or issuer; empty when there is none, or when it is not what it seems (a NUL in it, not
// UTF-8, absurdly long). Made printable.
[[nodiscard]] std::string common_name(const X509_NAME* name);

// "AB:CD:..." by the digest of that name. The error: there is no such digest.
[[nodiscard]] Result<std::string> fingerprint(X509* certificate, std::string_view digest);
// Of its public key, or of a key alone.
[[nodiscard]] Result<std::string> public_key_fingerprint(X509* certificate, std::string_view digest);
[[nodiscard]] Result<std::string> key_fingerprint(EVP_PKEY* key, std::string_view digest);

}  // namespace tls
