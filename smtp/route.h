#pragma once
// From a destination to the addresses to try, in order (RFC 5321 section 5.1): mail exchangers by preference, equal ones
// shuffled, never this machine itself or one that is less preferred than it.

#include <expected>
#include <string>
#include <vector>

#include "lib/dns/resolver.h"
#include "smtp/destination.h"
#include "smtp/endings.h"

namespace smtp {

// How a candidate was found, and whether DNSSEC vouches for it (RFC 7672 section 2.2).
struct Trail {
  // By whose word it is one: it is the next hop itself; an MX or SRV record names it, which is validated or not.
  enum class Origin { destination, secure_record, insecure_record } origin = Origin::destination;
  std::string host = {};            // whose addresses were looked up in the DNS; empty: none
  std::string canonical = {};       // where CNAME records led from there; empty: nowhere
  bool is_host_validated = false;   // the addresses, and those records
  bool operator==(const Trail&) const = default;
};

struct Candidate {
  std::string host;
  io::Endpoint endpoint;
  int preference = 0;
  std::string socket;   // a path, and then there is no endpoint
  Trail trail = {};
  [[nodiscard]] Peer peer() const {
    return socket.empty() ? Peer{host, endpoint.address.text(), endpoint.port} : Peer{host, socket, 0};
  }
  bool operator==(const Candidate&) const = default;
};

// Which look-ups are made for host names, in order.
enum class HostLookup { dns, native };

// Of failures to find a route only "mail loops back to myself" has this code.
inline constexpr mail::Dsn loop_dsn{5, 4, 6};

// Why a look-up of `type` ("MX") leads nowhere, as an ending.
[[nodiscard]] delivery::Delivery name_error(const std::string& name, std::string_view type, dns::Status status, std::string_view reason);

// What routing is told by main.cf.
struct RouteSettings {
  std::vector<HostLookup> host_lookup{HostLookup::dns};
  dns::Families families = dns::Families::both;
  bool uses_mx = true;                    // smtp_dns_support_level is not "disabled"
  bool ignores_mx_errors = false;         // ignore_mx_lookup_error
  bool defers_without_address = false;    // smtp_defer_if_no_mx_address_found
  bool shuffles = true;                   // smtp_randomize_addresses
  bool balances = true;                   // smtp_balance_inet_protocols
  bool shows_aliased = false;             // smtp_cname_overrides_servername
  std::vector<std::string> srv_services;  // use_srv_lookup
  std::string default_service;            // the one without a port
  bool falls_back_from_srv = false;       // allow_srv_lookup_fallback
  bool ignores_srv_errors = false;        // ignore_srv_lookup_error
  enum class Prefer { any, ipv4, ipv6 } prefer = Prefer::any;
  int address_limit = 5;                  // smtp_mx_address_limit; 0 no limit
  std::vector<io::Address> own;           // of this machine, and of proxies for it
  std::string own_name;                   // myhostname: where sockets are
};

class Router {
 public:
  Router(dns::Resolver& resolver, RouteSettings settings) : resolver_(resolver), settings_(std::move(settings)) {}

  // Not empty; or why there is nobody to send to.
  using Route = std::expected<std::vector<Candidate>, delivery::Delivery>;
  [[nodiscard]] Route find(const Destination& destination) const;

 private:
  [[nodiscard]] Route without_service(const Destination& destination) const;
  [[nodiscard]] Route of_service(const std::string& name) const;
  [[nodiscard]] Route of_domain(const Destination& destination) const;
  [[nodiscard]] Route of_exchangers(const Destination& destination, const dns::Answer<dns::Mx>& exchangers) const;
  [[nodiscard]] Route of_host(const std::string& host, std::uint16_t port, int preference) const;
  [[nodiscard]] Route without_self(const Destination& destination, std::vector<Candidate> candidates) const;
  [[nodiscard]] bool is_own(const Candidate& candidate) const;
  void order(std::vector<Candidate>& candidates) const;
  void shorten(std::vector<Candidate>& candidates) const;

  dns::Resolver& resolver_;
  RouteSettings settings_;
};

}  // namespace smtp
