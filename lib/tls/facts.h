#pragma once
// What is known of a TLS connection once it stands: for the log, the Received: header and those who decide by it.

#include <string>
#include <string_view>

namespace tls {

// How far the other side's certificate is to be believed.
enum class Trust {
  anonymous,   // it has shown none
  untrusted,   // no authority that we know vouches for it
  trusted,     // one does
  verified,    // and it has the name, or the fingerprint, that we wanted
};

struct Facts {
  std::string protocol;                // "TLSv1.3"
  std::string cipher;                  // "TLS_AES_256_GCM_SHA384"
  int cipher_bits = 0, algorithm_bits = 0;
  // TLS 1.3 chooses them apart from the cipher; empty where they are not known (an older protocol, a resumed session).
  std::string key_exchange;            // "x25519"
  std::string server_signature, client_signature;   // "RSA-PSS (2048 bits)"
  std::string server_digest, client_digest;          // "SHA256"

  Trust trust = Trust::anonymous;
  std::string verification_error;      // why no authority vouches for it; empty when one does
  std::string match_error;             // or why it is not whom we wanted
  bool is_authority_wrong = false;     // and it is not the server's own certificate of which that is said
  std::string dane_match;              // the TLSA record that it matches, "EE certificate at depth 0: 3 1 1 0B9F..."
  std::string subject_cn, issuer_cn;   // of the other side's certificate; cleaned
  std::string fingerprint, public_key_fingerprint;   // "AB:CD:..."; empty without a certificate, or the first with a raw key
  std::string fingerprint_digest;      // by which those are: "sha256"
  std::string server_name;             // that the client asked for (SNI)
  bool has_raw_key = false;            // the other side has shown a key, in place of a certificate
  bool has_own_chain = false;          // and there is a certificate for it
  bool is_resumed = false;

  // "TLSv1.3 with cipher X (256/256 bits)".
  [[nodiscard]] std::string cipher_text() const;
  // "key-exchange x25519 server-signature RSA-PSS (2048 bits) server-digest SHA256", and "client-signature ..."; may be empty.
  [[nodiscard]] std::string server_text() const;
  [[nodiscard]] std::string client_text() const;
  // All of it in one line, as the log has it.
  [[nodiscard]] std::string text() const;
};

// "Anonymous", "Untrusted", "Trusted", "Verified".
[[nodiscard]] std::string_view name(Trust trust);

}  // namespace tls
