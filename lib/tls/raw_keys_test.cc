#include <cstdio>
#include <memory>
#include <string>

#include <openssl/pem.h>
#include <sys/socket.h>

#include "lib/base/fd.h"
#include "lib/testing/temporary_directory.h"
#include "lib/tls/context.h"
#include "lib/tls/openssl.h"
#include "lib/tls/session.h"

#include "lib/testing/catch.h"

namespace {

constexpr bool has_raw_keys = OPENSSL_VERSION_NUMBER >= 0x30200000L;

// A key, and a certificate that vouches for itself, in one file.
std::string make_pair_file(const testing::TemporaryDirectory& directory, const char* name) {
  const tls::KeyPtr key(EVP_EC_gen("prime256v1"));
  const tls::X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  X509_set_pubkey(certificate.get(), key.get());
  REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  const std::string path = directory.path() + name;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"), &std::fclose);
  REQUIRE(file != nullptr);
  REQUIRE(PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  REQUIRE(PEM_write_X509(file.get(), certificate.get()) == 1);
  return path;
}

struct Sides {
  tls::Facts server, client;   // what each knows of the other
};

class Site {
 public:
  Sides meet(bool server_wants_key, bool client_wants_key) {
    tls::ServerSettings server;
    server.common.cipher_lists = {.high = "HIGH", .medium = "HIGH", .null = "eNULL"};
    server.credentials.rsa = {server_, server_};
    server.protocols = ">=TLSv1.2";
    server.cipher_grade = "medium";
    server.fingerprint_digest = "sha256";
    server.asks_certificate = true;
    server.wants_raw_keys = server_wants_key;
    tls::ClientSettings client{.common = server.common, .credentials = {.chain_files = {}, .rsa = {client_, client_}, .dsa = {}, .ec = {}}};
    client.fingerprint_digest = "sha256";
    client.dane_digests = "sha256";
    const auto serving = tls::ServerContext::make(server).value();
    const auto asking = tls::ClientContext::make(client).value();
    int sockets[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets) == 0);
    const Fd ours(sockets[0]), theirs(sockets[1]);
    const auto one = tls::Session::accept(*serving, ours.get()).value();
    const auto other =
        tls::Session::connect(*asking, theirs.get(), {.protocols = ">=TLSv1.2", .cipher_grade = "medium", .exclude_ciphers = "", .wants_raw_key = client_wants_key}).value();
    using Progress = io::Layer::Progress;
    bool is_one_done = false, is_other_done = false;
    for (int rounds = 0; rounds < 20 && !(is_one_done && is_other_done); ++rounds) {
      if (!is_other_done) is_other_done = other->start().progress == Progress::moved;
      if (!is_one_done) is_one_done = one->start().progress == Progress::moved;
    }
    REQUIRE((is_one_done && is_other_done));
    return {.server = one->facts(), .client = other->facts()};
  }

 private:
  testing::TemporaryDirectory directory_;
  std::string server_ = make_pair_file(directory_, "server"), client_ = make_pair_file(directory_, "client");
};

}  // namespace

TEST_CASE("each side shows its key in place of a certificate where the other asks for that, and the library can") {
  Site site;
  const Sides usual = site.meet(false, false), all = site.meet(true, true);
  CHECK(!usual.server.has_raw_key);
  CHECK(!usual.client.has_raw_key);
  CHECK(all.server.has_raw_key == has_raw_keys);
  CHECK(all.client.has_raw_key == has_raw_keys);
  CHECK(site.meet(true, false).server.has_raw_key == has_raw_keys);
  CHECK(!site.meet(true, false).client.has_raw_key);
  CHECK(site.meet(false, true).client.has_raw_key == has_raw_keys);
  // The key is the same one, whichever way it is shown; only a certificate has a fingerprint of its own.
  CHECK(all.server.public_key_fingerprint == usual.server.public_key_fingerprint);
  CHECK(all.client.public_key_fingerprint == usual.client.public_key_fingerprint);
  CHECK(all.server.fingerprint.empty() == has_raw_keys);
  CHECK(all.server.trust == tls::Trust::untrusted);
  CHECK(all.server.text().contains("client-signature ECDSA (prime256v1 raw public key)") == has_raw_keys);
}
