#include "smtp/tls_choice.h"

#include <utility>

#include <fmt/core.h>

#include "lib/log/log.h"
#include "smtp/policy_text.h"

namespace smtp {
namespace {

// What was made under another policy, before a table changed, is not taken.
std::string key_of(const Destination& destination, const TlsPolicy& of_table) { return destination.text + "\n" + of_table.identity(); }

}  // namespace

TlsStatus TlsChoice::status() const {
  TlsStatus status{.level = {.name = std::string(name_of(policy.is_fallback ? TlsLevel::may : policy.level))}, .require_tls = {}};
  if (require != RequireTls::not_asked) status.require_tls = {.name = "requiretls"};
  return status;
}

std::expected<TlsPolicy, delivery::Delivery> TlsChooser::of_tables(const Destination& destination, const std::string& host) const {
  const bool is_optional = request_.tls_optional && params_.tls_required_enable && !asks_require_tls();
  auto policy = is_optional ? site_.relaxed(params_) : site_.policy(params_, destination, host);
  if (policy && heeds_sts(*policy)) policy->match = {"hostname"};
  return policy;
}

std::expected<TlsChoice, delivery::Delivery> TlsChooser::choose(const Destination& destination, const Candidate& candidate) const {
  const auto failed = [&](delivery::Delivery failure, const TlsStatus& status) {
    failure.tls = note(status);
    return std::unexpected(std::move(failure));
  };
  auto policy = of_tables(destination, candidate.host);
  if (!policy) return failed(std::move(policy.error()), TlsStatus{});
  std::string key = key_of(destination, *policy);
  policy = dane_.settle(std::move(*policy), destination, candidate);
  if (!policy) return failed(std::move(policy.error()), TlsStatus{});
  if (policy->dane.empty()) policy->kept_under = std::move(key);
  TlsChoice choice{.policy = completed(std::move(*policy), params_)};
  if (!asks_require_tls()) return choice;

  const auto refused = [&](const std::string& reason, mail::Dsn dsn) {
    return no_policy(destination, candidate.host, fmt::format("{}. The last attempted server was {}", reason, candidate.host), dsn);
  };
  const auto require = require_.find(destination.lookup == Lookup::socket ? params_.myhostname : destination.host);
  if (!require) return failed(refused(require.error().message(), {4, 7, 10}), choice.status());
  choice.require = *require;
  const bool is_enforced = *require == RequireTls::enforce;
  if (choice.policy.must_match() || *require < RequireTls::opportunistic_starttls) return choice;
  const bool is_plain = !is_enforced && choice.policy.level == TlsLevel::none;
  const std::string reason = fmt::format("Sender requested REQUIRETLS, but my configured TLS security level '{}' disables {}", name_of(choice.policy.level),
                                         is_plain ? "encryption" : "certificate matching");
  if (!is_enforced && !is_plain) {
    maillog::info("{}: {}. The last attempted server was {}", request_.queue_id, reason, candidate.host);
    return choice;
  }
  TlsStatus status = choice.status();
  status.settle_require_tls(TlsStatus::Outcome::broken, is_plain ? "noencryption" : "nocertmatch");
  return failed(refused(reason, {5, 7, 10}), status);
}

std::optional<std::string> TlsChooser::kept_under(const Destination& destination) const {
  // What such a message needs of a connection is looked at when that begins.
  if (asks_require_tls()) return std::nullopt;
  const auto policy = of_tables(destination, destination.host);
  if (!policy) return std::nullopt;   // each candidate will say so
  return key_of(destination, *policy);
}

// Whether the policy is one of MTA-STS, whose servers are those that it names, each under its own name (RFC 8461 section 4.1).
bool TlsChooser::heeds_sts(const TlsPolicy& policy) const {
  return params_.smtp_tls_enforce_sts_mx_patterns && policy.external.type == ExternalPolicy::Type::sts && policy.level >= TlsLevel::verify &&
         !policy.external.mx_patterns.empty();
}

bool TlsChooser::allows(const TlsPolicy& policy, const Candidate& candidate) const {
  if (!heeds_sts(policy) || allows_mx(policy.external, candidate.host)) return true;
  maillog::warning("MX name '{}' does not match STS MX pattern for '{}'", candidate.host, policy.external.domain);
  return false;
}

}  // namespace smtp
