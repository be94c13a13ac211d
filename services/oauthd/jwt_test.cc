// Keys, and tokens that are signed with them or only look so.

#include "services/oauthd/jwt.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "services/oauthd/base64url.h"

#include "lib/testing/catch.h"

namespace oauthd {
namespace {


std::string encoded(std::string_view bytes) {
  std::string out = base::encode_base64(bytes);
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out.substr(0, out.find('='));
}

std::string pem_of(EVP_PKEY* key) {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

std::string signature(EVP_PKEY* key, std::string_view text) {
  const bool is_edwards = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  REQUIRE(EVP_DigestSignInit(context, nullptr, is_edwards ? nullptr : EVP_sha256(), nullptr, key) == 1);
  REQUIRE(EVP_DigestSign(context, nullptr, &size, bytes, text.size()) == 1);
  std::string out(size, '\0');
  REQUIRE(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, bytes, text.size()) == 1);
  EVP_MD_CTX_free(context);
  out.resize(size);
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return out;
  const auto* at = reinterpret_cast<const unsigned char*>(out.data());
  ECDSA_SIG* const both = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(out.size()));
  std::string raw(64, '\0');
  BN_bn2binpad(ECDSA_SIG_get0_r(both), reinterpret_cast<unsigned char*>(raw.data()), 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(both), reinterpret_cast<unsigned char*>(raw.data() + 32), 32);
  ECDSA_SIG_free(both);
  return raw;
}

std::string token_of(EVP_PKEY* key, std::string_view header, std::string_view claims) {
  const std::string text = encoded(header) + "." + encoded(claims);
  return text + "." + encoded(signature(key, text));
}

std::string outcome(std::string_view token, const std::vector<Key>& keys) {
  const auto claims = verified_claims(token, keys);
  return claims ? text_of(*claims, "sub") : claims.error().message();
}

std::vector<Key> keys_of(std::string_view text) {
  auto keys = parse_keys(text);
  REQUIRE(keys.has_value());
  return std::move(*keys);
}

constexpr std::string_view claims_text = R"({"sub":"alice"})";

TEST_CASE("a token counts with the key that signed it, of each algorithm") {
  const KeyPtr rsa(EVP_RSA_gen(2048)), ec(EVP_EC_gen("P-256")), edwards(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const KeyPtr other(EVP_EC_gen("P-256"));
  const std::vector<Key> keys = keys_of(pem_of(rsa.get()) + pem_of(ec.get()) + pem_of(edwards.get()));
  CHECK(keys.size() == 3);
  CHECK(outcome(token_of(rsa.get(), R"({"alg":"RS256"})", claims_text), keys) == "alice");
  CHECK(outcome(token_of(ec.get(), R"({"alg":"ES256","typ":"at+jwt"})", claims_text), keys) == "alice");
  CHECK(outcome(token_of(edwards.get(), R"({"alg":"EdDSA","kid":"x","typ":"JWT"})", claims_text), keys) == "alice");
  CHECK(outcome(token_of(other.get(), R"({"alg":"ES256"})", claims_text), keys) == "wrong signature");
  // The key says what it is for.
  CHECK(outcome(token_of(ec.get(), R"({"alg":"RS256"})", claims_text), keys) == "wrong signature");
  CHECK(outcome(token_of(ec.get(), R"({"alg":"ES256"})", claims_text), keys_of(pem_of(rsa.get()))) == "no key for it");
}

TEST_CASE("an algorithm without a signature, or with a secret that everybody knows, is none") {
  const KeyPtr rsa(EVP_RSA_gen(2048));
  const std::string pem = pem_of(rsa.get());
  const std::vector<Key> keys = keys_of(pem);
  for (const char* name : {"none", "None", "NONE", "HS256", "RS512", "PS256", "ES384", "rs256", ""}) {
    const std::string header = fmt::format(R"({{"alg":"{}"}})", name);
    CHECK(outcome(encoded(header) + "." + encoded(claims_text) + ".", keys) == "not signed with RS256, ES256 or EdDSA");
    const std::string text = encoded(header) + "." + encoded(claims_text);
    std::string mac(32, '\0');
    HMAC(EVP_sha256(), pem.data(), static_cast<int>(pem.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(mac.data()), nullptr);
    CHECK(outcome(text + "." + encoded(mac), keys) == "not signed with RS256, ES256 or EdDSA");
  }
  const std::string text = encoded(R"({"alg":"RS256"})") + "." + encoded(claims_text) + ".";
  CHECK(outcome(text, keys) == "wrong signature");
}

TEST_CASE("an ES256 signature of the wrong form, or of zeros, is none") {
  const KeyPtr ec(EVP_EC_gen("P-256"));
  const std::vector<Key> keys = keys_of(pem_of(ec.get()));
  const std::string text = encoded(R"({"alg":"ES256"})") + "." + encoded(claims_text);
  for (const std::string& bytes : {std::string(64, '\0'), std::string(64, '\xff'), std::string(63, 'x'), std::string(65, 'x'), std::string()}) {
    CHECK(outcome(text + "." + encoded(bytes), keys) == "wrong signature");
  }
}

TEST_CASE("headers that we cannot honour, and texts that are no token") {
  const KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const std::vector<Key> keys = keys_of(pem_of(key.get()));
  const auto with = [&](std::string_view header, std::string_view claims) { return outcome(token_of(key.get(), header, claims), keys); };
  CHECK(with(R"({"alg":"EdDSA","crit":["exp"]})", claims_text) == "with header fields that have to be understood");
  CHECK(with(R"({"alg":"EdDSA","b64":false})", claims_text) == "of another form");
  CHECK(with(R"({"alg":"EdDSA","typ":"logout+jwt"})", claims_text) == "a JWT of another type");
  CHECK(with(R"({"alg":"EdDSA","alg":"none"})", claims_text) == "header: JSON with a name twice");
  CHECK(with(R"({"alg":"EdDSA"})", R"({"sub":"alice","sub":"bob"})") == "claims: JSON with a name twice");
  CHECK(with(R"({"alg":"EdDSA"})", R"(["alice"])") == "claims: no JSON object");
  CHECK(with(R"({"alg":"EdDSA"})", R"({"sub":{"a":)") == "claims: no JSON object");
  const std::string deep = R"({"sub":)" + std::string(30'000, '[');
  CHECK(with(R"({"alg":"EdDSA"})", deep) == "claims: JSON that is nested too deeply");
  CHECK(with(R"({"alg":"EdDSA"})", deep + std::string(30'000, ']') + "}") == "claims: JSON that is nested too deeply");
  CHECK(with(R"({"alg":"EdDSA"})", "{\"sub\":\"" + std::string(json_limit, 'a') + "\"}") == "claims: JSON that is too long");
  const std::string good = token_of(key.get(), R"({"alg":"EdDSA"})", claims_text);
  for (const std::string& text : {std::string(), std::string("a"), std::string("a.b"), std::string("e.b.c.d"), good + "=", good + "\n", good + ".x", "." + good}) {
    CHECK(outcome(text, keys) != "alice");
  }
  CHECK(looks_like_jwt(good));
  CHECK_FALSE(looks_like_jwt("2YotnFZFEjr1zCsicMWpAA"));
}

TEST_CASE("a key set is read for what it says") {
  const KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  std::string bytes(32, '\0');
  std::size_t size = bytes.size();
  REQUIRE(EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(bytes.data()), &size) == 1);
  const auto set = [&](std::string_view more) { return fmt::format(R"({{"keys":[{{"kty":"oct","k":"AAAA"}},{{"kty":"OKP","crv":"Ed25519","x":"{}"{}}}]}})", encoded(bytes), more); };
  const auto token = [&](std::string_view header) { return token_of(key.get(), header, claims_text); };
  const std::vector<Key> keys = keys_of(set(R"(,"kid":"one","use":"sig","alg":"EdDSA")"));
  CHECK(keys.size() == 1);
  CHECK(outcome(token(R"({"alg":"EdDSA","kid":"one"})"), keys) == "alice");
  CHECK(outcome(token(R"({"alg":"EdDSA"})"), keys) == "alice");
  CHECK(outcome(token(R"({"alg":"EdDSA","kid":"two"})"), keys) == "no key for it");
  // A key that comes with the token is nobody's.
  CHECK(outcome(token(fmt::format(R"({{"alg":"EdDSA","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{}"}},"kid":"two"}})", encoded(bytes))), keys) == "no key for it");
  for (const char* more : {R"(,"use":"enc")", R"(,"alg":"ES256")", R"(,"alg":"HS256")"}) CHECK_FALSE(parse_keys(set(more)).has_value());
  for (const char* text : {"", "{}", "{\"keys\":[]}", "{\"keys\":[1,[],{}]}", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                           R"({"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"},{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"RSA"}]})"}) {
    CHECK_FALSE(parse_keys(text).has_value());
  }
}

TEST_CASE("weak keys and secret ones are not taken") {
  const KeyPtr small(EVP_RSA_gen(1024)), curve(EVP_EC_gen("P-384"));
  CHECK(parse_keys(pem_of(small.get())).error().message() == "an RSA key of less than 2048 bits");
  CHECK(parse_keys(pem_of(curve.get())).error().message() == "a key of another curve than P-256");
  CHECK(parse_keys("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").error().message() == "a private key, which has no place here");
}

}  // namespace
}  // namespace oauthd
