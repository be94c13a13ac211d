#include "commands/postconf/tls_library.h"

#include <array>
#include <memory>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>

namespace postconf {
namespace {

// By the names that certificates' keys have in the settings, and OpenSSL's for them.
struct KeyAlgorithm {
  const char* name;
  const char* openssl_name;
};
constexpr std::array key_algorithms{KeyAlgorithm{"dsa", "DSA"}, KeyAlgorithm{"ecdsa", "EC"}, KeyAlgorithm{"rsa", "RSA"}};

bool has(const KeyAlgorithm& algorithm) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype([](EVP_PKEY_CTX* context) { EVP_PKEY_CTX_free(context); })> context(
      EVP_PKEY_CTX_new_from_name(nullptr, algorithm.openssl_name, nullptr));
  return context != nullptr;
}

}  // namespace

Result<std::string> about_tls_library(std::string_view mode) {
  if (mode == "compile-version") return std::string(OPENSSL_VERSION_TEXT) + '\n';
  if (mode == "run-version") return std::string(OpenSSL_version(OPENSSL_VERSION)) + '\n';
  if (mode != "public-key-algorithms") return base::fail("unknown 'postconf -T' mode: " + std::string(mode));
  std::string answer;
  for (const KeyAlgorithm& algorithm : key_algorithms) {
    if (has(algorithm)) answer += std::string(algorithm.name) + '\n';
  }
  return answer;
}

}  // namespace postconf
