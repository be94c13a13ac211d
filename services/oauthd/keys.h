#pragma once
// Public keys of those who issue tokens: PEM files, and JSON Web Key Sets (RFC 7517). Secret keys are not taken.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/evp.h>

#include "lib/base/error.h"

namespace oauthd {

inline constexpr std::size_t keys_limit = 100;   // of one file

enum class Algorithm { rs256, es256, eddsa };

// "RS256"; what is not here ("none", HS256 and all others that share a secret) is never taken.
[[nodiscard]] Result<Algorithm> algorithm_of(std::string_view name);

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;

struct Key {
  std::string id;   // "kid"; empty in PEM
  Algorithm algorithm;
  KeyPtr key;
};

// The keys of a file's text. In a key set those for other algorithms, or for encryption, are passed over. The error: no usable key.
[[nodiscard]] Result<std::vector<Key>> parse_keys(std::string_view text);

}  // namespace oauthd
