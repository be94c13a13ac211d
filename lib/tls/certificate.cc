#include "lib/tls/certificate.h"

#include <array>
#include <span>
#include <vector>

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include "lib/base/ascii.h"

namespace tls {
namespace {

constexpr std::size_t common_name_limit = 256;

std::string hexadecimal(std::span<const unsigned char> bytes) {
  std::string out;
  for (const unsigned char byte : bytes) out += fmt::format("{}{:02X}", out.empty() ? "" : ":", byte);
  return out;
}

Result<std::string> digest_of(std::span<const unsigned char> bytes, std::string_view digest) {
  const EVP_MD* const algorithm = EVP_get_digestbyname(std::string(digest).c_str());
  if (algorithm == nullptr) return base::fail(fmt::format("digest algorithm \"{}\" not found", digest));
  std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), value.data(), &size, algorithm, nullptr) != 1) {
    return base::fail(fmt::format("cannot compute a digest by \"{}\"", digest));
  }
  return hexadecimal(std::span(value).first(size));
}

// What one of OpenSSL's i2d functions makes of an object.
template <class Encode, class Object>
std::vector<unsigned char> encoded(Encode encode, Object* object) {
  const int size = encode(object, nullptr);
  if (size <= 0) return {};
  std::vector<unsigned char> bytes(static_cast<std::size_t>(size));
  unsigned char* place = bytes.data();
  encode(object, &place);
  return bytes;
}

}  // namespace

std::string common_name(const X509_NAME* name) {
  const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (index < 0) return {};
  const ASN1_STRING* const value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index));
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, value);
  if (size < 0) return {};
  const std::unique_ptr<unsigned char, decltype([](unsigned char* p) { OPENSSL_free(p); })> owner(utf8);
  const std::string_view text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  if (text.size() > common_name_limit || text.contains('\0')) return {};
  return ascii::printable(text);
}

Result<std::string> fingerprint(X509* certificate, std::string_view digest) {
  return digest_of(encoded([](X509* object, unsigned char** out) { return i2d_X509(object, out); }, certificate), digest);
}

Result<std::string> public_key_fingerprint(X509* certificate, std::string_view digest) {
  X509_PUBKEY* const key = X509_get_X509_PUBKEY(certificate);
  return digest_of(encoded([](X509_PUBKEY* object, unsigned char** out) { return i2d_X509_PUBKEY(object, out); }, key), digest);
}

Result<std::string> key_fingerprint(EVP_PKEY* key, std::string_view digest) {
  return digest_of(encoded([](EVP_PKEY* object, unsigned char** out) { return i2d_PUBKEY(object, out); }, key), digest);
}

}  // namespace tls
