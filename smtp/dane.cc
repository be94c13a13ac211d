#include "smtp/dane.h"

#include <utility>

#include <fmt/core.h>

#include "lib/base/deadline.h"
#include "lib/log/log.h"

namespace smtp {
namespace {

// For all the questions about one server.
constexpr std::chrono::seconds lookup_patience{100};

// RFC 6698 section 2.1.1, as far as RFC 7672 section 3.1.3 has them count for mail.
constexpr int usage_authority = 2, usage_server = 3;

bool is_unanswered(dns::Status status) {
  switch (status) {
    case dns::Status::temporary:
    case dns::Status::garbled:
    case dns::Status::filtered:
    case dns::Status::unfiltered: return true;
    case dns::Status::found:
    case dns::Status::no_domain:
    case dns::Status::no_data:
    case dns::Status::null_mx:
    case dns::Status::invalid: break;
  }
  return false;
}

TlsPolicy at_level(TlsPolicy policy, TlsLevel level) {
  policy.level = level;
  return policy;
}

}  // namespace

Result<TlsLevel> parse_insecure_mx_policy(const std::string& value) {
  if (value == "may") return TlsLevel::may;
  if (value == "encrypt") return TlsLevel::encrypt;
  if (value == "dane") return TlsLevel::dane;
  return base::fail(fmt::format("invalid smtp_tls_dane_insecure_mx_policy: \"{}\"", value));
}

std::expected<TlsPolicy, delivery::Delivery> Dane::settle(TlsPolicy policy, const Destination& destination, const Candidate& candidate) const {
  if (!policy.is_dane()) return policy;
  const bool is_only = policy.level == TlsLevel::dane_only;
  const auto fails = [&](const std::string& reason) { return std::unexpected(no_policy(destination, candidate.host, reason)); };
  if (!settings_.has_dnssec) {
    maillog::warning("{}: {} configured with dnssec lookups disabled", destination.text, is_only ? "dane-only" : "dane");
    if (is_only) return fails("client TLS configuration problem");
    return at_level(std::move(policy), TlsLevel::may);
  }
  const bool is_insecure = candidate.trail.origin == Trail::Origin::insecure_record;
  if (is_insecure && is_only) return fails("non DNSSEC destination");
  if (is_insecure && settings_.insecure_mx == TlsLevel::may) return at_level(std::move(policy), TlsLevel::may);
  Look found = find(candidate);
  if (!found) return fails(fmt::format("TLSA lookup error for {}:{}", candidate.host, candidate.endpoint.port));
  if (found->list.empty()) {
    if (is_only) return fails(found->is_published ? "TLSA records unusable" : "no TLSA records found");
    // Who publishes records has TLS, even where nobody can tell whose it is (RFC 7672 section 2.2).
    return at_level(std::move(policy), found->is_published ? TlsLevel::encrypt : TlsLevel::may);
  }
  if (is_insecure && settings_.insecure_mx == TlsLevel::encrypt) return at_level(std::move(policy), TlsLevel::encrypt);
  if (is_insecure) policy.level = TlsLevel::half_dane;
  policy.dane_name = std::move(found->name);
  policy.dane = std::move(found->list);
  // Below the certificate of an authority the server has its own name, or that of the domain whose mail it takes (RFC 7672 section 3.2.2).
  policy.match.clear();
  if (candidate.trail.origin != Trail::Origin::destination) policy.match.emplace_back("nexthop");
  return policy;
}

// The names below which records are looked for, in order (RFC 7672 section 2.2.2).
std::expected<std::vector<std::string>, dns::Status> Dane::bases(const Candidate& candidate) const {
  const Trail& trail = candidate.trail;
  std::vector<std::string> names;
  if (trail.host.empty()) return names;
  if (trail.is_host_validated) {
    if (!trail.canonical.empty()) names.push_back(trail.canonical);
    names.push_back(trail.host);
  } else if (!trail.canonical.empty()) {
    // The alias itself may be signed where what it leads to is not.
    const auto alias = resolver_.alias(trail.host, base::after(lookup_patience));
    if (is_unanswered(alias.status)) return std::unexpected(alias.status);
    if (alias && alias.is_validated) names.push_back(trail.host);
  } else if (settings_.always_asks) {
    names.push_back(trail.host);
  }
  return names;
}

Dane::Look Dane::find(const Candidate& candidate) const {
  const auto names = bases(candidate);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    Look found = ask(name, candidate.endpoint.port);
    if (!found || found->is_published) return found;
  }
  return Records{};
}

Dane::Look Dane::ask(const std::string& base, std::uint16_t port) const {
  const std::string name = fmt::format("_{}._tcp.{}", port, base);
  const dns::Answer<dns::Tlsa> answer = resolver_.tlsa(name, base::after(lookup_patience));
  if (is_unanswered(answer.status)) {
    maillog::warning("DANE TLSA lookup problem: {}", name_error(name, "TLSA", answer.status, answer.reason).reason);
    return std::unexpected(answer.status);
  }
  Records found{.name = base, .list = {}};
  if (!answer || !answer.is_validated) return found;
  found.is_published = true;
  for (const dns::Tlsa& each : answer.records) {
    tls::DaneRecord record{.usage = each.usage, .selector = each.selector, .matching = each.matching, .data = each.data};
    if (record.usage != usage_authority && record.usage != usage_server) {
      maillog::warning("{} unsupported TLSA certificate usage: {}", name, record.text());
      continue;
    }
    if (settings_.detail >= tls::Detail::steps) maillog::info("DNSSEC-signed TLSA record: {}: {}", name, record.text());
    found.list.push_back(std::move(record));
  }
  return found;
}

}  // namespace smtp
