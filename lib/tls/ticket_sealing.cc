#include "lib/tls/ticket_sealing.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <span>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

namespace tls {
namespace {

// What OpenSSL's callback says by its value.
constexpr int failed = -1, no_key = 0, done = 1, opened_by_old_key = 2;

TicketSealing& sealing_of(SSL* ssl) { return *static_cast<TicketSealing*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl))); }

bool sign_with(EVP_MAC_CTX* mac, const TicketKey& key) {
  auto bytes = key.mac_key;
  std::string digest = "SHA256";
  const std::array parameters{OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes.data(), bytes.size()),
                              OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0), OSSL_PARAM_construct_end()};
  const bool is_good = EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return is_good;
}

int seal(const TicketSealing& sealing, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
  const TicketKey* const key = sealing.keys.sealing(std::chrono::steady_clock::now());
  if (key == nullptr) return no_key;
  std::ranges::copy(key->name, name);
  const bool is_good = RAND_bytes(iv, EVP_CIPHER_get_iv_length(sealing.cipher)) == 1 &&
                       EVP_EncryptInit_ex(cipher, sealing.cipher, nullptr, key->cipher_key.data(), iv) == 1 && sign_with(mac, *key);
  return is_good ? done : failed;
}

int open(TicketSealing& sealing, const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
  const Deadline now = std::chrono::steady_clock::now();
  const TicketKey* const key = sealing.keys.opening(std::span<const unsigned char, TicketKey::name_size>(name, TicketKey::name_size), now);
  if (key == nullptr) return no_key;
  if (EVP_DecryptInit_ex(cipher, sealing.cipher, nullptr, key->cipher_key.data(), iv) != 1 || !sign_with(mac, *key)) return failed;
  return key == sealing.keys.sealing(now) ? done : opened_by_old_key;
}

int use_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int is_new) {
  TicketSealing& sealing = sealing_of(ssl);
  return is_new == 1 ? seal(sealing, name, iv, cipher, mac) : open(sealing, name, iv, cipher, mac);
}

}  // namespace

const EVP_CIPHER* ticket_cipher(const std::string& name) {
  const EVP_CIPHER* const cipher = EVP_get_cipherbyname(name.c_str());
  if (cipher == nullptr || EVP_CIPHER_get_mode(cipher) != EVP_CIPH_CBC_MODE) return nullptr;
  return EVP_CIPHER_get_key_length(cipher) <= static_cast<int>(TicketKey::secret_size) ? cipher : nullptr;
}

Result<void> use_tickets(SSL_CTX* context, TicketSealing& sealing, const std::string& scope) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_app_data(context, &sealing);
  if (sealing.cipher == nullptr || sealing.keys.lifetime().count() == 0) return {};
  SSL_CTX_set_timeout(context, static_cast<long>(sealing.keys.lifetime().count()));
  std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH> id{};
  static_assert(id.size() == 32);
  unsigned size = 0;
  if (EVP_Digest(scope.data(), scope.size(), id.data(), &size, EVP_sha256(), nullptr) != 1 ||
      SSL_CTX_set_session_id_context(context, id.data(), size) != 1 || SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_key) != 1) {
    return base::fail("cannot set up session tickets");
  }
  return {};
}

void prepare_tickets(SSL* ssl, Deadline now) {
  const TicketSealing& sealing = sealing_of(ssl);
  const bool are_given = sealing.cipher != nullptr && sealing.keys.sealing(now) != nullptr;
  // Without the option OpenSSL would keep sessions itself.
  if (!are_given) SSL_set_options(ssl, SSL_OP_NO_TICKET);
  SSL_set_num_tickets(ssl, are_given ? 1 : 0);
}

}  // namespace tls
