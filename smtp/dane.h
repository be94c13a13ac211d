#pragma once
// DNS-based authentication of a server (RFC 7672): whether it has TLSA records that may be believed, and what follows for the TLS
// policy of the levels dane and dane-only.

#include <expected>
#include <string>
#include <vector>

#include "lib/dns/resolver.h"
#include "smtp/route.h"
#include "smtp/tls_policy.h"

namespace smtp {

struct DaneSettings {
  bool has_dnssec = false;          // smtp_dns_support_level is "dnssec", and host names are looked up in the DNS
  TlsLevel insecure_mx = TlsLevel::dane;   // smtp_tls_dane_insecure_mx_policy: may, encrypt or dane
  bool always_asks = false;         // smtp_tls_force_insecure_host_tlsa_lookup
  tls::Detail detail = tls::Detail::none;   // of the log
};

// The value of smtp_tls_dane_insecure_mx_policy.
[[nodiscard]] Result<TlsLevel> parse_insecure_mx_policy(const std::string& value);

class Dane {
 public:
  Dane(dns::Resolver& resolver, DaneSettings settings) : resolver_(resolver), settings_(settings) {}

  // Another level's policy stays as it is. Without records dane becomes may. That nobody can say whether there are records makes mail
  // wait: an attacker must not be able to have it go in plaintext by keeping answers away.
  [[nodiscard]] std::expected<TlsPolicy, delivery::Delivery> settle(TlsPolicy policy, const Destination& destination, const Candidate& candidate) const;

 private:
  // What was found at one name. Published without a record in the list: there are some, and none can be used.
  struct Records {
    std::string name;
    std::vector<tls::DaneRecord> list;
    bool is_published = false;
  };
  using Look = std::expected<Records, dns::Status>;   // or that nobody knows
  [[nodiscard]] Look find(const Candidate& candidate) const;
  [[nodiscard]] std::expected<std::vector<std::string>, dns::Status> bases(const Candidate& candidate) const;
  [[nodiscard]] Look ask(const std::string& base, std::uint16_t port) const;

  dns::Resolver& resolver_;
  DaneSettings settings_;
};

}  // namespace smtp
