#include "services/oauthd/keys.h"

#include <array>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/base/ascii.h"
#include "services/oauthd/base64url.h"
#include "services/oauthd/json.h"

namespace oauthd {
namespace {

using BioPtr = std::unique_ptr<BIO, decltype([](BIO* bio) { BIO_free(bio); })>;
using CertificatePtr = std::unique_ptr<X509, decltype([](X509* certificate) { X509_free(certificate); })>;
using NumberPtr = std::unique_ptr<BIGNUM, decltype([](BIGNUM* number) { BN_free(number); })>;
using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, decltype([](OSSL_PARAM_BLD* builder) { OSSL_PARAM_BLD_free(builder); })>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, decltype([](OSSL_PARAM* params) { OSSL_PARAM_free(params); })>;
using ContextPtr = std::unique_ptr<EVP_PKEY_CTX, decltype([](EVP_PKEY_CTX* context) { EVP_PKEY_CTX_free(context); })>;

constexpr int rsa_bits_min = 2048;   // RFC 7518 section 3.3
constexpr int rsa_bits_max = 8192;   // a bigger one makes each check slow
constexpr std::size_t coordinate_size = 32, ed25519_size = 32;

// What the key can check. The error: nothing that we take.
Result<Algorithm> use_of(EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: {
      const int bits = EVP_PKEY_get_bits(key);
      if (bits < rsa_bits_min) return base::fail("an RSA key of less than 2048 bits");
      if (bits > rsa_bits_max) return base::fail("an RSA key of more than 8192 bits");
      return Algorithm::rs256;
    }
    case EVP_PKEY_EC: {
      std::array<char, 64> group{};
      std::size_t size = 0;
      EVP_PKEY_get_group_name(key, group.data(), group.size(), &size);
      if (std::string_view(group.data(), size) == "prime256v1") return Algorithm::es256;
      return base::fail("a key of another curve than P-256");
    }
    case EVP_PKEY_ED25519: return Algorithm::eddsa;
    default: return base::fail("a key of a kind that is not known");
  }
}

Result<std::vector<Key>> parse_pem(std::string_view text) {
  std::vector<Key> out;
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  for (std::size_t i = 0; i < keys_limit; ++i) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) break;
    const std::string kind(name);
    const unsigned char* at = data;
    KeyPtr key;
    if (kind == PEM_STRING_PUBLIC) key.reset(d2i_PUBKEY(nullptr, &at, size));
    else if (kind == PEM_STRING_X509) {
      const CertificatePtr certificate(d2i_X509(nullptr, &at, size));
      if (certificate) key.reset(X509_get_pubkey(certificate.get()));
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<std::size_t>(size));
    if (kind.ends_with("PRIVATE KEY")) return base::fail("a private key, which has no place here");
    if (!key) return base::fail("no public key in \"" + kind + "\"");
    const Algorithm algorithm = TRY(use_of(key.get()));
    out.push_back({{}, algorithm, std::move(key)});
  }
  ERR_clear_error();
  if (out.empty()) return base::fail("no public key");
  return out;
}

KeyPtr make_key(const char* kind, OSSL_PARAM* params) {
  const ContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1) return nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) != 1) return nullptr;
  return KeyPtr(key);
}

KeyPtr make_rsa(const std::string& n, const std::string& e) {
  const auto number = [](const std::string& bytes) {
    return NumberPtr(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr));
  };
  const NumberPtr modulus = number(n), exponent = number(e);
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  return make_key("RSA", params.get());
}

KeyPtr make_p256(const std::string& x, const std::string& y) {
  if (x.size() != coordinate_size || y.size() != coordinate_size) return nullptr;
  const std::string point = "\4" + x + y;   // uncompressed
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  return make_key("EC", params.get());
}

// RFC 7518 section 6, RFC 8037 section 2.
KeyPtr make_of(const Json& jwk) {
  const auto bytes = [&](const char* name) { return decode_base64url(text_of(jwk, name)).value_or(""); };
  const std::string kind = text_of(jwk, "kty"), curve = text_of(jwk, "crv");
  if (kind == "RSA") return make_rsa(bytes("n"), bytes("e"));
  if (kind == "EC" && curve == "P-256") return make_p256(bytes("x"), bytes("y"));
  if (kind == "OKP" && curve == "Ed25519") {
    const std::string x = bytes("x");
    if (x.size() != ed25519_size) return nullptr;
    return KeyPtr(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(x.data()), x.size()));
  }
  return nullptr;
}

Result<std::vector<Key>> parse_key_set(std::string_view text) {
  const Json set = TRY(parse_object(text, json_key_set_limit));
  const auto list = set.find("keys");
  const Json alone = Json::array({set});   // one key may stand for itself
  const Json& keys = list != set.end() && list->is_array() ? *list : alone;
  std::vector<Key> out;
  for (const Json& jwk : keys) {
    if (!jwk.is_object() || out.size() == keys_limit) continue;
    if (const std::string use = text_of(jwk, "use"); !use.empty() && use != "sig") continue;
    KeyPtr key = make_of(jwk);
    if (!key) continue;
    const auto algorithm = use_of(key.get());
    if (!algorithm) continue;
    // RFC 7517 section 4.4: a key that names an algorithm is for no other.
    if (const std::string name = text_of(jwk, "alg"); !name.empty()) {
      const auto named = algorithm_of(name);
      if (!named || *named != *algorithm) continue;
    }
    out.push_back({text_of(jwk, "kid"), *algorithm, std::move(key)});
  }
  ERR_clear_error();
  if (out.empty()) return base::fail("no key for RS256, ES256 or EdDSA");
  return out;
}

}  // namespace

Result<Algorithm> algorithm_of(std::string_view name) {
  if (name == "RS256") return Algorithm::rs256;
  if (name == "ES256") return Algorithm::es256;
  if (name == "EdDSA") return Algorithm::eddsa;
  return base::fail("not signed with RS256, ES256 or EdDSA");
}

Result<std::vector<Key>> parse_keys(std::string_view text) {
  return ascii::trim(text).starts_with('{') ? parse_key_set(text) : parse_pem(text);
}

}  // namespace oauthd
