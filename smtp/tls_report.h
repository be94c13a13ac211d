#pragma once
// TLSRPT (RFC 8460): a domain that publishes where it wants to hear of it is told once a day how TLS with its servers went. What came of a
// handshake goes as a datagram to a collector on this machine (tlsrpt-collectd), which makes the reports. Nothing waits for it.

#include <optional>
#include <string>
#include <string_view>

#include "lib/dns/resolver.h"
#include "lib/tls/facts.h"
#include "smtp/endings.h"
#include "smtp/tls_policy.h"

namespace smtp {

// Result types of RFC 8460 section 4.3, by the collector's numbers.
enum class TlsFault {
  starttls_not_supported = 201,
  certificate_host_mismatch = 202,
  certificate_not_trusted = 203,
  validation_failure = 205,
  sts_policy_fetch_error = 301,
  sts_policy_invalid = 302,
  sts_webpki_invalid = 303,
};

class TlsReport {
 public:
  // Of a domain that has a record of its own at _smtp._tls; else none. `socket` is the collector's, below the queue directory.
  static std::optional<TlsReport> open(dns::Resolver& resolver, std::string socket, const std::string& domain);

  struct Ends {
    std::string source;   // our address
    std::string ehlo;     // the server's reply
  };
  // Logs it, and tells the collector.
  void success(const Peer& peer, const TlsPolicy& policy) const;
  void failure(const Peer& peer, const TlsPolicy& policy, TlsFault fault, const std::string& reason, const Ends& ends) const;
  // Of a certificate that is not the wanted one.
  void failure(const Peer& peer, const TlsPolicy& policy, const tls::Facts& facts, const Ends& ends) const;

 private:
  TlsReport() = default;
  [[nodiscard]] std::string datagram(const TlsPolicy& policy, const std::string& failure) const;
  void send(const std::string& datagram) const;

  std::string socket_, domain_, record_;
};

}  // namespace smtp
