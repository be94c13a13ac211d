#include "lib/tls/signatures.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/tls/raw_keys.h"

namespace tls {
namespace {

// How the other side's ephemeral key is called: its group, or what Debian 12's library knows of it.
std::string key_exchange_name(SSL* ssl) {
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
  const char* const group = SSL_get0_group_name(ssl);
  std::string name = group == nullptr ? "" : group;
  std::ranges::transform(name, name.begin(), ascii::to_lower);
  return name;
#else
  EVP_PKEY* key = nullptr;
  if (SSL_get_peer_tmp_key(ssl, &key) != 1) return {};
  const KeyPtr owner(key);
  switch (const int kind = EVP_PKEY_get_id(key)) {
    case EVP_PKEY_DH: return fmt::format("DHE ({} bits)", EVP_PKEY_get_bits(key));
    case EVP_PKEY_EC: {
      std::array<char, 64> group{};
      std::size_t size = 0;
      EVP_PKEY_get_group_name(key, group.data(), group.size(), &size);
      return fmt::format("ECDHE ({})", std::string_view(group.data(), size));
    }
    default: return OBJ_nid2sn(kind);
  }
#endif
}

// "RSA-PSS (2048 bits)", "ECDSA (prime256v1)", "ED25519"; of a raw public key that is said, too.
std::string signature_name(EVP_PKEY* key, int signature_nid, bool is_raw) {
  const std::string_view unit = is_raw ? "bit raw public key" : "bits", note = is_raw ? " raw public key" : "";
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: return fmt::format("{} ({} {})", signature_nid == EVP_PKEY_RSA_PSS ? "RSA-PSS" : "RSA", EVP_PKEY_get_bits(key), unit);
    case EVP_PKEY_RSA_PSS: return fmt::format("RSA-PSS ({} {})", EVP_PKEY_get_bits(key), unit);
    case EVP_PKEY_DSA: return fmt::format("DSA ({} {})", EVP_PKEY_get_bits(key), unit);
    case EVP_PKEY_EC: {
      std::array<char, 64> group{};
      std::size_t size = 0;
      EVP_PKEY_get_group_name(key, group.data(), group.size(), &size);
      return fmt::format("ECDSA ({}{})", std::string_view(group.data(), size), note);
    }
    default: return fmt::format("{}{}", OBJ_nid2sn(EVP_PKEY_get_base_id(key)), is_raw ? " (raw public key)" : "");
  }
}

std::string digest_name(int nid) { return nid == NID_undef ? std::string() : OBJ_nid2sn(nid); }

}  // namespace

void add_signatures(SSL* ssl, Facts& facts) {
  if (SSL_version(ssl) < TLS1_3_VERSION) return;
  facts.key_exchange = key_exchange_name(ssl);
  if (facts.is_resumed) return;
  const bool is_server = SSL_is_server(ssl) == 1;
  int kind = NID_undef, digest = NID_undef;
  if (X509* const own = SSL_get_certificate(ssl); own != nullptr && SSL_get_signature_type_nid(ssl, &kind) == 1) {
    const std::string name = signature_name(X509_get0_pubkey(own), kind, has_shown_raw_key(ssl));
    (is_server ? facts.server_signature : facts.client_signature) = name;
    if (SSL_get_signature_nid(ssl, &digest) == 1) (is_server ? facts.server_digest : facts.client_digest) = digest_name(digest);
  }
  kind = digest = NID_undef;
  EVP_PKEY* const raw = peer_raw_key(ssl);
  X509* const certificate = SSL_get0_peer_certificate(ssl);
  EVP_PKEY* const other = raw != nullptr ? raw : certificate != nullptr ? X509_get0_pubkey(certificate) : nullptr;
  if (other != nullptr && SSL_get_peer_signature_type_nid(ssl, &kind) == 1) {
    const std::string name = signature_name(other, kind, raw != nullptr);
    (is_server ? facts.client_signature : facts.server_signature) = name;
    if (SSL_get_peer_signature_nid(ssl, &digest) == 1) (is_server ? facts.client_digest : facts.server_digest) = digest_name(digest);
  }
}

}  // namespace tls
