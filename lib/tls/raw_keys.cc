#include "lib/tls/raw_keys.h"

#include <array>

namespace tls {

// What this file is about is there: the one place that asks.
#if OPENSSL_VERSION_NUMBER >= 0x30200000L

namespace {

constexpr std::array<unsigned char, 2> key_or_certificate{TLSEXT_cert_type_rpk, TLSEXT_cert_type_x509};

// A type list with a key in it is asked for in the order of the list.
template <auto set>
Result<void> allow(SSL* ssl, bool may_be_key, const char* direction) {
  if (!may_be_key || set(ssl, key_or_certificate.data(), key_or_certificate.size()) == 1) return {};
  return base::fail(std::string("Failed to enable ") + direction + " raw public key support");
}

}  // namespace

Result<void> offer_raw_keys_to_client(SSL* ssl, bool wants_key) {
  TRY(allow<&SSL_set1_server_cert_type>(ssl, true, "server to client"));
  return allow<&SSL_set1_client_cert_type>(ssl, wants_key, "client to server");
}

Result<void> offer_raw_keys_to_server(SSL* ssl, bool wants_key) {
  TRY(allow<&SSL_set1_client_cert_type>(ssl, true, "client to server"));
  return allow<&SSL_set1_server_cert_type>(ssl, wants_key, "server to client");
}

EVP_PKEY* peer_raw_key(const SSL* ssl) { return SSL_get0_peer_rpk(ssl); }

bool has_shown_raw_key(const SSL* ssl) {
  const int kind = SSL_is_server(ssl) == 1 ? SSL_get_negotiated_server_cert_type(ssl) : SSL_get_negotiated_client_cert_type(ssl);
  return kind == TLSEXT_cert_type_rpk;
}

#else

Result<void> offer_raw_keys_to_client(SSL*, bool) { return {}; }
Result<void> offer_raw_keys_to_server(SSL*, bool) { return {}; }
EVP_PKEY* peer_raw_key(const SSL*) { return nullptr; }
bool has_shown_raw_key(const SSL*) { return false; }

#endif

}  // namespace tls
