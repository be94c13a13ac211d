#include "lib/tls/resumption.h"

#include <array>
#include <ctime>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <sys/stat.h>

#include "lib/tls/session.h"

namespace tls {
namespace {

// The parts of what is hashed, each with its length in front: no two lists of parts are the same text.
class Text {
 public:
  void add(std::string_view part) { text_ += fmt::format("{}:{};", part.size(), part); }
  void add(bool flag) { add(std::string_view(flag ? "yes" : "no")); }
  template <class... Parts>
  void all(const Parts&... parts) {
    (add(parts), ...);
  }
  void list(const std::vector<std::string>& parts) {
    add(std::to_string(parts.size()));
    for (const std::string& part : parts) add(part);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// What is in a file counts too, or in a directory: other authorities, other trust.
std::string version_of(const std::string& path) {
  struct stat status{};
  if (path.empty() || ::stat(path.c_str(), &status) != 0) return path;
  return fmt::format("{} {} {} {}.{}", path, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

// The older call is deprecated since OpenSSL 3.4: its type ends in 2038 on some machines.
std::time_t begun_at(const SSL_SESSION* session) {
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
  return SSL_SESSION_get_time_ex(session);
#else
  return SSL_SESSION_get_time(session);
#endif
}

}  // namespace

std::string session_bytes(SSL_SESSION* session) {
  if (SSL_SESSION_is_resumable(session) != 1) return {};
  unsigned char* der = nullptr;
  const int size = i2d_SSL_SESSION(session, &der);
  if (size <= 0) return {};
  std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

SessionPtr session_of(std::string_view bytes) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  SessionPtr session(d2i_SSL_SESSION(nullptr, &at, static_cast<long>(bytes.size())));
  ERR_clear_error();
  if (!session || SSL_SESSION_is_resumable(session.get()) != 1) return nullptr;
  const std::time_t age = std::time(nullptr) - begun_at(session.get());
  if (age < 0 || age >= SSL_SESSION_get_timeout(session.get())) return nullptr;
  X509* const certificate = SSL_SESSION_get0_peer(session.get());
  if (certificate != nullptr && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) return nullptr;
  return session;
}

std::string ticket_scope(const ServerSettings& settings) {
  Text text;
  text.all(settings.service, version_of(settings.ca_file), version_of(settings.ca_path), std::to_string(settings.verify_depth),
           settings.asks_certificate, settings.common.appends_default_ca, settings.wants_raw_keys, settings.trusts_server_certificates);
  return text.text();
}

std::string settings_text(const ClientSettings& settings) {
  Text text;
  text.add(OpenSSL_version(OPENSSL_FULL_VERSION_STRING));
  const CommonSettings& common = settings.common;
  text.all(common.cipher_lists.high, common.cipher_lists.medium, common.cipher_lists.null, common.auto_curves, common.ffdhe_groups,
           common.ssl_options, common.disabled_workarounds, common.appends_default_ca);
  text.add(settings.credentials.chain_files);
  for (const KeyPair* const pair : {&settings.credentials.rsa, &settings.credentials.dsa, &settings.credentials.ec}) {
    text.all(version_of(pair->certificate_file), pair->key_file);
  }
  text.all(version_of(settings.ca_file), version_of(settings.ca_path), std::to_string(settings.verify_depth), settings.fingerprint_digest);
  return text.text();
}

std::string session_digest(std::string_view settings, const ServerDemands& demands) {
  Text text;
  text.add(settings);
  text.all(demands.protocols, demands.cipher_grade, demands.exclude_ciphers, demands.server_name, demands.wants_raw_key, demands.must_match);
  text.list(demands.names);
  text.list(demands.fingerprints);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.text().data(), text.text().size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) return {};
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02X}", digest[i]);
  return hex;
}

}  // namespace tls
