#pragma once
// What check_ccert_access is given: a table, or { type:name, { search_order = cert_fingerprint, pubkey_fingerprint } }. Pure.

#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace smtpd::policy {

// What a client's certificate is looked up by.
enum class CertificateKey { certificate_fingerprint, public_key_fingerprint };

struct CertificateTable {
  std::string_view table;   // "type:name"; points into the argument
  // Without a word of it: the certificate, then its key, for a certificate may be renewed.
  std::vector<CertificateKey> order{CertificateKey::certificate_fingerprint, CertificateKey::public_key_fingerprint};
};

// The error says what is wrong with it. Whether "type:name" is one is for who opens it to say.
[[nodiscard]] Result<CertificateTable> parse_certificate_table(std::string_view text);

}  // namespace smtpd::policy
