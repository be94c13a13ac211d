#include "lib/tls/credentials.h"

#include <functional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace tls {
namespace {

Result<void> load_pair(SSL_CTX* context, std::string_view kind, const KeyPair& pair) {
  if (pair.certificate_file.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, pair.certificate_file.c_str()) != 1) {
    return base::fail(fmt::format("cannot get {} certificate from file \"{}\"", kind, pair.certificate_file));
  }
  const std::string& key_file = pair.key_file.empty() ? pair.certificate_file : pair.key_file;
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return base::fail(fmt::format("cannot get {} private key from file \"{}\"", kind, key_file));
  }
  return {};
}

using ChainPtr = std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509)* stack) { sk_X509_pop_free(stack, X509_free); })>;

// A key, its certificate, and those above that.
struct Chain {
  KeyPtr key;
  X509Ptr leaf;
  ChainPtr above{sk_X509_new_null()};

};

// What stands in PEM texts one after the other: a key, its certificate, the chain above it, the next key ...
class ChainReader {
 public:
  // `use` gives a chain to where it belongs; false when key and certificate do not fit.
  explicit ChainReader(std::function<bool(const Chain&)> use) : use_(std::move(use)) {}

  Result<void> read_file(const std::string& path) {
    const BioPtr file(BIO_new_file(path.c_str(), "r"));
    if (!file) return base::fail(fmt::format("error opening chain file: {}", path));
    return read(file, path);
  }

  Result<void> read(const BioPtr& file, const std::string& source) {
    source_ = source;
    const auto wrong = [&](std::string_view what) { return base::fail(fmt::format("error loading chain from {}: {}", source, what)); };
    for (int index = 1; BIO_eof(file.get()) == 0; ++index) {
      char* name = nullptr;
      char* header = nullptr;
      unsigned char* data = nullptr;
      long size = 0;
      if (PEM_read_bio(file.get(), &name, &header, &data, &size) != 1) {
        if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) ERR_clear_error();
        else return wrong("bad PEM");
        break;
      }
      const Owner owners[] = {Owner(name), Owner(header), Owner(data)};
      const std::string_view kind = name;
      const unsigned char* bytes = data;
      if (kind.ends_with("PRIVATE KEY")) {
        TRY(finish());
        key_index_ = index;
        chain_.key.reset(kind == PEM_STRING_PKCS8INF || kind == PEM_STRING_RSA || kind == PEM_STRING_ECPRIVATEKEY || kind == PEM_STRING_DSA
                             ? d2i_AutoPrivateKey(nullptr, &bytes, size)
                             : nullptr);
        if (!chain_.key) return wrong("unusable private key");
      } else if (kind == PEM_STRING_X509 || kind == PEM_STRING_X509_OLD) {
        if (!chain_.key) return wrong("key not first");
        X509Ptr certificate(d2i_X509(nullptr, &bytes, size));
        if (!certificate) return wrong("bad certificate");
        if (!chain_.leaf) chain_.leaf = std::move(certificate);
        else sk_X509_push(chain_.above.get(), certificate.release());
      }
      // Whatever else there is (parameters of a curve) is not needed.
    }
    return {};
  }

  // The last chain. The error: a key without a certificate, or that does not fit it.
  Result<void> finish() {
    if (!chain_.key) return {};
    const auto key = [&] { return fmt::format("key at index {} in {}", key_index_, source_); };
    if (!chain_.leaf) return base::fail(fmt::format("{} has no certificate behind it", key()));
    if (!use_(chain_)) return base::fail(fmt::format("{} does not match next certificate", key()));
    chain_ = Chain();
    return {};
  }

 private:
  using Owner = std::unique_ptr<void, decltype([](void* memory) { OPENSSL_free(memory); })>;

  std::function<bool(const Chain&)> use_;
  Chain chain_;
  std::string source_;
  int key_index_ = 0;   // among the objects of its source, from 1 on
};

Result<void> load_chains(SSL_CTX* context, std::string_view paths) {
  ChainReader reader([context](const Chain& chain) {
    return SSL_CTX_use_cert_and_key(context, chain.leaf.get(), chain.key.get(), chain.above.get(), 1) == 1;
  });
  for (const std::string_view path : ascii::split(paths, ", \t\r\n")) TRY(reader.read_file(std::string(path)));
  return reader.finish();
}

// A certificate that came without those above it is shown with what the authorities have of them. The library would look for them anew
// in each handshake.
void complete_chains(SSL_CTX* context) {
  X509* const current = SSL_CTX_get0_certificate(context);
  if (current == nullptr) return;
  for (long next = SSL_CERT_SET_FIRST; SSL_CTX_set_current_cert(context, next) == 1; next = SSL_CERT_SET_NEXT) {
    STACK_OF(X509)* above = nullptr;
    SSL_CTX_get0_chain_certs(context, &above);
    if (above == nullptr) SSL_CTX_build_cert_chain(context, SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR);
  }
  SSL_CTX_select_current_cert(context, current);
  ERR_clear_error();
}

}  // namespace

Result<void> load_credentials(SSL_CTX* context, const Credentials& credentials) {
  if (!credentials.chain_files.empty()) {
    const auto loaded = load_chains(context, credentials.chain_files);
    if (!loaded) {
      maillog::warning("{}", loaded.error().message());
      return base::fail("error loading private keys and certificates from: " + credentials.chain_files);
    }
  } else {
    TRY(load_pair(context, "RSA", credentials.rsa));
    TRY(load_pair(context, "DSA", credentials.dsa));
    TRY(load_pair(context, "EC", credentials.ec));
  }
  complete_chains(context);
  return {};
}

Result<void> use_chain(SSL* ssl, const std::string& pem, const std::string& source) {
  const BioPtr text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!text) return base::fail("cannot read " + source);
  SSL_certs_clear(ssl);
  ChainReader reader([ssl](const Chain& chain) { return SSL_use_cert_and_key(ssl, chain.leaf.get(), chain.key.get(), chain.above.get(), 1) == 1; });
  TRY(reader.read(text, source));
  return reader.finish();
}

}  // namespace tls
