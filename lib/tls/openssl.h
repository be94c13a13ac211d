#pragma once
// OpenSSL's objects with owners, and its error queue as text. Internal to lib/tls.

#include <memory>
#include <string>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace tls {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};

using ContextPtr = std::unique_ptr<SSL_CTX, Release<&SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Release<&SSL_free>>;
using X509Ptr = std::unique_ptr<X509, Release<&X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Release<&EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Release<&BIO_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, Release<&SSL_SESSION_free>>;

// What the library says is wrong, the earliest first, one line each, as openssl(1) prints it; takes it from the queue.
[[nodiscard]] std::vector<std::string> take_library_problems();

}  // namespace tls
