#include "services/oauthd/jwt.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include "lib/base/ascii.h"
#include "services/oauthd/base64url.h"

namespace oauthd {
namespace {

constexpr std::size_t tries_limit = 16;         // of keys that have no name
constexpr std::size_t es256_half = 32;          // bytes of each of the two numbers, RFC 7518 section 3.4

using DigestPtr = std::unique_ptr<EVP_MD_CTX, decltype([](EVP_MD_CTX* context) { EVP_MD_CTX_free(context); })>;
using SignaturePtr = std::unique_ptr<ECDSA_SIG, decltype([](ECDSA_SIG* signature) { ECDSA_SIG_free(signature); })>;

struct Parts {
  std::string_view header, claims, signature, signed_text;
};

std::optional<Parts> split(std::string_view token) {
  const std::size_t first = token.find('.'), second = token.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1), token.substr(0, second)};
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// The two numbers as the library wants them. None: no signature of this kind.
std::optional<std::string> der_of(std::string_view raw) {
  if (raw.size() != 2 * es256_half) return std::nullopt;
  const SignaturePtr signature(ECDSA_SIG_new());
  BIGNUM* const r = BN_bin2bn(bytes_of(raw), es256_half, nullptr);
  BIGNUM* const s = BN_bin2bn(bytes_of(raw.substr(es256_half)), es256_half, nullptr);
  if (!signature || ECDSA_SIG_set0(signature.get(), r, s) != 1) return std::nullopt;
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return std::nullopt;
  std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

bool is_signed_by(const Key& key, std::string_view text, std::string_view signature) {
  std::optional<std::string> der;
  if (key.algorithm == Algorithm::es256) {
    der = der_of(signature);
    if (!der) return false;
    signature = *der;
  }
  const DigestPtr context(EVP_MD_CTX_new());
  const EVP_MD* const digest = key.algorithm == Algorithm::eddsa ? nullptr : EVP_sha256();
  // RS256 is PKCS #1 v1.5, which is what the library does unless told otherwise.
  const bool is_good = context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.key.get()) == 1 &&
                       EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size()) == 1;
  ERR_clear_error();
  return is_good;
}

// RFC 7515 section 4.1, RFC 9068 section 2.1.
Result<Algorithm> check_header(const Json& header) {
  const Algorithm algorithm = TRY(algorithm_of(text_of(header, "alg")));
  if (header.contains("crit")) return base::fail("with header fields that have to be understood");
  if (header.contains("b64") || header.contains("zip")) return base::fail("of another form");
  if (!header.contains("typ")) return algorithm;
  std::string type = ascii::lowercase(text_of(header, "typ"));
  if (type.starts_with("application/")) type = type.substr(std::string_view("application/").size());
  if (type != "jwt" && type != "at+jwt") return base::fail("a JWT of another type");
  return algorithm;
}

}  // namespace

bool looks_like_jwt(std::string_view token) {
  const auto parts = split(token);
  return parts && parts->header.starts_with('e');   // of "{"
}

Result<Json> verified_claims(std::string_view token, const std::vector<Key>& keys) {
  const auto parts = split(token);
  if (!parts) return base::fail("no JWT");
  const auto header_text = decode_base64url(parts->header), signature = decode_base64url(parts->signature);
  if (!header_text || !signature) return base::fail("no JWT");
  const auto header = parse_object(*header_text);
  if (!header) return base::Failure(base::Error(header.error()).within("header"));
  const Algorithm algorithm = TRY(check_header(*header));
  const std::string id = text_of(*header, "kid");
  std::size_t tries = 0;
  const bool is_signed = std::ranges::any_of(keys, [&](const Key& key) {
    if (key.algorithm != algorithm || (!id.empty() && !key.id.empty() && key.id != id)) return false;
    return ++tries <= tries_limit && is_signed_by(key, parts->signed_text, *signature);
  });
  if (!is_signed) return base::fail(tries == 0 ? "no key for it" : "wrong signature");
  const auto claims_text = decode_base64url(parts->claims);
  if (!claims_text) return base::fail("no JWT");
  auto claims = parse_object(*claims_text);
  if (!claims) return base::Failure(std::move(claims).error().within("claims"));
  return claims;
}

}  // namespace oauthd
