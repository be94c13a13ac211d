// OpenSSL's libcrypto, which postconf -T asks what it is.

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/late/library.h"

namespace {

constexpr late::Library library(CRYPTO_SONAME);

}  // namespace

const char* OpenSSL_version(int what) { return library.function<&OpenSSL_version>(__func__)(what); }

EVP_PKEY_CTX* EVP_PKEY_CTX_new_from_name(OSSL_LIB_CTX* libraries, const char* name, const char* properties) {
  return library.function<&EVP_PKEY_CTX_new_from_name>(__func__)(libraries, name, properties);
}

void EVP_PKEY_CTX_free(EVP_PKEY_CTX* context) { library.function<&EVP_PKEY_CTX_free>(__func__)(context); }
