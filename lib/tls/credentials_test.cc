#include <cstdio>
#include <memory>
#include <string>

#include <openssl/pem.h>

#include "lib/testing/temporary_directory.h"
#include "lib/tls/context.h"
#include "lib/tls/openssl.h"

#include "lib/testing/catch.h"

namespace {

struct Pair {
  tls::KeyPtr key{EVP_EC_gen("prime256v1")};
  tls::X509Ptr certificate{X509_new()};
};

// Signed by `issuer`, or by itself.
Pair make_pair(const char* name, const Pair* issuer = nullptr) {
  Pair made;
  X509* const certificate = made.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME* const subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer == nullptr ? certificate : issuer->certificate.get()));
  X509_set_pubkey(certificate, made.key.get());
  REQUIRE(X509_sign(certificate, issuer == nullptr ? made.key.get() : issuer->key.get(), EVP_sha256()) > 0);
  return made;
}

std::string write_file(const testing::TemporaryDirectory& directory, const char* name, const Pair& pair, const Pair* above = nullptr) {
  const std::string path = directory.path() + name;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"), &std::fclose);
  REQUIRE(file != nullptr);
  REQUIRE(PEM_write_PrivateKey(file.get(), pair.key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  REQUIRE(PEM_write_X509(file.get(), pair.certificate.get()) == 1);
  if (above != nullptr) REQUIRE(PEM_write_X509(file.get(), above->certificate.get()) == 1);
  return path;
}

// How many certificates are shown above the server's own.
int count_above(const std::string& pair_file, const std::string& ca_file) {
  tls::ServerSettings settings;
  settings.common.cipher_lists = {.high = "HIGH", .medium = "HIGH", .null = "eNULL"};
  settings.credentials.rsa = {pair_file, pair_file};
  settings.ca_file = ca_file;
  settings.protocols = ">=TLSv1.2";
  settings.cipher_grade = "medium";
  settings.fingerprint_digest = "sha256";
  const auto context = tls::ServerContext::make(settings).value();
  STACK_OF(X509)* above = nullptr;
  REQUIRE(SSL_CTX_get0_chain_certs(context->get(), &above) == 1);
  REQUIRE(above != nullptr);   // or each handshake would look for them
  return sk_X509_num(above);
}

}  // namespace

TEST_CASE("a certificate is shown with those above it: its file's, or else what the authorities have") {
  const testing::TemporaryDirectory directory;
  const Pair root = make_pair("root"), middle = make_pair("middle", &root), leaf = make_pair("leaf", &middle), own = make_pair("own"), far = make_pair("far", &own);
  const std::string bare = write_file(directory, "bare", leaf), with_middle = write_file(directory, "with-middle", leaf, &middle);
  const std::string authorities = write_file(directory, "authorities", middle, &root), others = write_file(directory, "others", far, &own);
  CHECK(count_above(bare, {}) == 0);
  CHECK(count_above(bare, others) == 0);
  CHECK(count_above(bare, authorities) == 2);
  CHECK(count_above(with_middle, {}) == 1);
  CHECK(count_above(with_middle, authorities) == 1);
  CHECK(count_above(write_file(directory, "own", own), {}) == 0);
}
