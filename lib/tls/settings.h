#pragma once
// What a TLS context is made of: values of parameters, as main.cf has them (postconf(5)). The daemons fill these in, each
// from its own names.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/tls/ciphers.h"

namespace tls {

// The tls_* parameters, which count for all.
struct CommonSettings {
  CipherLists cipher_lists;                  // tls_{high,medium,null}_cipherlist
  std::string auto_curves;                   // tls_eecdh_auto_curves
  std::string ffdhe_groups;                  // tls_ffdhe_auto_groups
  std::string ssl_options;                   // tls_ssl_options
  std::string disabled_workarounds;          // tls_disable_workarounds
  bool appends_default_ca = false;           // tls_append_default_CA
  std::string config_file = "default";       // tls_config_file
  std::string config_name;                   // tls_config_name
  std::chrono::seconds farewell_time{};      // that the other side's end is awaited; without tls_fast_shutdown_enable
};

// The members of a daemon's Params that go there.
template <class Params>
CommonSettings common_settings(const Params& params, std::chrono::seconds farewell_time = {}) {
  return {.cipher_lists = {.high = params.tls_high_cipherlist, .medium = params.tls_medium_cipherlist, .null = params.tls_null_cipherlist},
          .auto_curves = params.tls_eecdh_auto_curves,
          .ffdhe_groups = params.tls_ffdhe_auto_groups,
          .ssl_options = params.tls_ssl_options,
          .disabled_workarounds = params.tls_disable_workarounds,
          .appends_default_ca = params.tls_append_default_CA,
          .config_file = params.tls_config_file,
          .config_name = params.tls_config_name,
          .farewell_time = farewell_time};
}

// A certificate with the chain above it, and its key; files in PEM.
struct KeyPair {
  std::string certificate_file, key_file;
};

struct Credentials {
  std::string chain_files;                   // a list; when it is set, the pairs do not count
  KeyPair rsa, dsa, ec;
  [[nodiscard]] bool empty() const {
    return chain_files.empty() && rsa.certificate_file.empty() && dsa.certificate_file.empty() && ec.certificate_file.empty();
  }
};

struct ServerSettings {
  CommonSettings common;
  Credentials credentials;
  std::string ca_file, ca_path;
  std::string protocols, cipher_grade, exclude_ciphers;
  std::string dh_file;
  bool prefers_own_ciphers = false;          // tls_preempt_cipherlist
  bool asks_certificate = false;             // of the client
  bool wants_raw_keys = false;               // he would rather show a key (RFC 7250)
  bool trusts_server_certificates = false;   // tls_trust_server_ccerts
  int verify_depth = 9;
  std::string fingerprint_digest;
  std::chrono::seconds session_lifetime{};   // of a ticket; 0: none is given
  std::string ticket_cipher;                 // tls_session_ticket_cipher; empty: no tickets
  std::string service;                       // a ticket counts there and nowhere else
  // The key and its certificates (PEM) for the name that a client asks for (SNI); none: the credentials. May park. Empty: no look-up.
  std::function<Result<std::optional<std::string>>(std::string_view name)> find_chain;
  // What is spoken under TLS, for clients that name it (ALPN): "smtp", "imap", "pop3".
  std::string alpn_name = "smtp";
};

// A TLSA record (RFC 6698): what the server's certificate, or that of an authority above it, must be.
struct DaneRecord {
  std::uint8_t usage = 0, selector = 0, matching = 0;
  std::string data;
  // "3 1 1 0B9F..."
  [[nodiscard]] std::string text() const;
  bool operator==(const DaneRecord&) const = default;
};

// A client's, for all servers that it talks to.
struct ClientSettings {
  CommonSettings common;
  Credentials credentials;                   // to be shown to a server that asks; may be empty
  std::string ca_file, ca_path;
  int verify_depth = 9;
  std::string fingerprint_digest;
  std::string dane_digests;                  // tls_dane_digests
  bool keeps_sessions = false;               // for take_session
};

// What a client wants of one server.
struct ServerDemands {
  std::string protocols, cipher_grade, exclude_ciphers;
  std::string server_name;                   // to ask for (SNI); empty: nothing
  bool wants_raw_key = false;                // in place of a certificate (RFC 7250)
  bool must_match = false;                   // the certificate: one of the names (".example.com": hosts below), or of the fingerprints
  std::vector<std::string> names, fingerprints;
  std::string session;                       // one that the server may resume, from Session::take_session; empty: none
  // DNS-based authentication: the records of the server `dane_name`. Not empty: they decide, and names count only below the certificate of
  // an authority. With none that can be used the server is not authenticated, which `must_match` does not let pass.
  std::string dane_name;
  std::vector<DaneRecord> dane;
  // The records are trust anchors of our own: the names count below all of them, the server's own certificate included.
  bool has_own_anchors = false;
};

}  // namespace tls
