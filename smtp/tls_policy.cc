#include "smtp/tls_policy.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lib/base/ascii.h"
#include "lib/io/socket.h"
#include "lib/log/log.h"
#include "lib/tls/trust_anchors.h"
#include "lib/tls/watch.h"
#include "smtp/policy_text.h"

namespace smtp {
namespace {

Result<TlsLevel> general_level(const Params& params) {
  const std::string& name = params.smtp_tls_security_level;
  if (!name.empty()) {
    if (const auto level = level_of(name)) return *level;
    return base::fail(fmt::format("Invalid TLS level \"{}\"", name));
  }
  if (params.smtp_enforce_tls) return params.smtp_tls_enforce_peername ? TlsLevel::verify : TlsLevel::encrypt;
  return params.smtp_use_tls ? TlsLevel::may : TlsLevel::none;
}

tls::ClientSettings client_settings(const Params& params) {
  const std::chrono::seconds farewell_time = params.tls_fast_shutdown_enable ? std::chrono::seconds(0) : params.smtp_starttls_timeout;
  return {.common = tls::common_settings(params, farewell_time),
          .credentials = {.chain_files = params.smtp_tls_chain_files,
                          .rsa = {params.smtp_tls_cert_file, params.smtp_tls_key_file},
                          .dsa = {params.smtp_tls_dcert_file, params.smtp_tls_dkey_file},
                          .ec = {params.smtp_tls_eccert_file, params.smtp_tls_eckey_file}},
          .ca_file = params.smtp_tls_CAfile,
          .ca_path = params.smtp_tls_CApath,
          .verify_depth = params.smtp_tls_scert_verifydepth,
          .fingerprint_digest = params.smtp_tls_fingerprint_digest,
          .dane_digests = params.tls_dane_digests,
          .keeps_sessions = !params.smtp_tls_session_cache_database.empty()};
}

}  // namespace

std::string TlsPolicy::identity() const {
  std::string text = fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}", static_cast<int>(level), protocols, ciphers, exclude, server_name, wants_raw_key,
                                 fmt::join(match, "\n"));
  for (const tls::DaneRecord& anchor : anchors) text += "\n" + anchor.text();
  if (external.type == ExternalPolicy::Type::sts) text += fmt::format("\nsts {}\n{}", external.failure, fmt::join(external.mx_patterns, "\n"));
  return text;
}

TlsPolicy completed(TlsPolicy policy, const Params& params) {
  const bool is_mandatory = policy.must_encrypt();
  if (policy.protocols.empty()) policy.protocols = is_mandatory ? params.smtp_tls_mandatory_protocols : params.smtp_tls_protocols;
  if (policy.ciphers.empty()) policy.ciphers = is_mandatory ? params.smtp_tls_mandatory_ciphers : params.smtp_tls_ciphers;
  if (policy.exclude.empty()) {
    policy.exclude = params.smtp_tls_exclude_ciphers;
    if (is_mandatory) policy.exclude += " " + params.smtp_tls_mandatory_exclude_ciphers;
  }
  if (policy.server_name.empty()) policy.server_name = params.smtp_tls_servername;
  return policy;
}

delivery::Delivery no_policy(const Destination& destination, std::string_view host, const std::string& reason, mail::Dsn dsn) {
  maillog::warning("TLS policy lookup for {}/{}: {}", destination.text, host, reason);
  return endings::failed(dsn, reason);
}

tls::ServerDemands TlsPolicy::demands(std::string_view host, std::string_view nexthop) const {
  tls::ServerDemands out{.protocols = protocols, .cipher_grade = ciphers, .exclude_ciphers = exclude, .must_match = must_match()};
  out.server_name = server_name == "hostname" ? std::string(host) : server_name == "nexthop" ? std::string(nexthop) : server_name;
  // Where an authority vouches for names a key is nothing; with TLSA records they say what is wanted.
  out.wants_raw_key = wants_raw_key && level <= TlsLevel::fingerprint;
  if (level == TlsLevel::fingerprint) {
    out.fingerprints = match;
    return out;
  }
  if (!must_match()) return out;
  if (is_dane()) {
    // Who may show no certificate at all is nobody.
    out.exclude_ciphers += " aNULL";
    out.server_name = out.dane_name = dane_name;
    out.dane = dane;
    out.must_match = level == TlsLevel::dane_only;
  }
  if (!anchors.empty()) {
    out.dane = anchors;
    out.has_own_anchors = true;
  }
  for (const std::string& each : match) {
    if (each == "hostname") out.names.emplace_back(host);
    else if (each == "nexthop") out.names.emplace_back(nexthop);
    else if (each == "dot-nexthop" && !io::Address::parse(nexthop)) out.names.push_back("." + std::string(nexthop));
    else if (each == "dot-nexthop") continue;   // below an address there is nobody
    else out.names.push_back(each);
  }
  return out;
}

Result<TlsSite> TlsSite::open(maps::Tables& tables, const Params& params, const std::string& prefix,
                              const std::function<void(const std::string&)>& watch_file) {
  TlsSite site;
  site.prefix_ = prefix;
  site.general_ = TRY(general_level(params));
  site.policies_ = TRY(maps::Maps::open(tables, prefix + "_tls_policy_maps", params.smtp_tls_policy_maps, maps::Flags::fold_keys));
  if (!params.smtp_tls_per_site.empty() && !site.policies_.empty()) {
    maillog::warning("{0}_tls_per_site ignored when {0}_tls_policy_maps is not empty.", prefix);
  } else {
    site.per_site_ = PerSite(TRY(maps::Maps::open(tables, prefix + "_tls_per_site", params.smtp_tls_per_site, maps::Flags::fold_keys)), prefix);
  }
  if (!site.is_used()) return site;
  site.log_levels_ = TRY(TlsLogLevels::open(tables, prefix + "_tls_loglevel", params.smtp_tls_loglevel, params.smtp_tls_loglevel_maps));
  const tls::ClientSettings settings = client_settings(params);
  tls::watch(settings.credentials, settings.ca_file, watch_file);
  auto context = tls::ClientContext::make(settings);
  if (context) {
    site.context_ = std::move(*context);
  } else {
    maillog::warning("{}", context.error().message());
    tls::log_library_problems();
  }
  return site;
}

tls::LogLevel TlsSite::log_level_of(const Destination& destination, const Peer& peer) const {
  return log_levels_.of({destination.text, peer.host, peer.address});
}

Result<TlsPolicy> TlsSite::from_table(const Params& params, const Destination& destination) const {
  const auto checked = [](Result<maps::Found> found) -> Result<maps::Found> {
    if (found) return found;
    maillog::warning("{}", found.error().message());
    return base::fail("policy table lookup error");
  };
  const auto read = [&](const std::string& text) {
    return read_policy(text, params, [&](const std::string& problem) { maillog::warning("{}", of_table(destination, problem)); });
  };
  if (const maps::Found found = TRY(checked(policies_.lookup(destination.text)))) return read(*found);
  if (const maps::Found found = TRY(checked(policies_.lookup_with_parents(destination.host)))) return read(*found);
  return of_level(general_, params);
}

std::string TlsSite::of_table(const Destination& destination, const std::string& problem) const {
  return fmt::format("{}_tls_policy_maps, next-hop destination \"{}\": {}", prefix_, destination.text, problem);
}

// The policy as the tables have it; what is wrong with it is logged.
std::expected<TlsPolicy, delivery::Delivery> TlsSite::find(const Params& params, const Destination& destination, std::string_view host) const {
  const auto wrong = [&] { return std::unexpected(no_policy(destination, host, "client TLS configuration problem")); };
  if (!per_site_.empty()) {
    const auto level = per_site_.level(destination, host, general_);
    if (level) return of_level(*level, params);
    if (level.error() == PerSite::Fault::wrong) return wrong();
    return std::unexpected(no_policy(destination, host, "Temporary lookup error", {4, 3, 0}));
  }
  if (policies_.empty()) return of_level(general_, params);
  auto policy = from_table(params, destination);
  if (policy) return std::move(*policy);
  maillog::warning("{}", of_table(destination, policy.error().message()));
  return wrong();
}

std::expected<TlsPolicy, delivery::Delivery> TlsSite::policy(const Params& params, const Destination& destination, std::string_view host) const {
  if (!is_used()) return TlsPolicy{};
  auto policy = find(params, destination, host);
  if (!policy) return policy;
  const auto wrong = [&] { return std::unexpected(no_policy(destination, host, "client TLS configuration problem")); };
  if (policy->level == TlsLevel::fingerprint && policy->match.empty()) {
    maillog::warning("nexthop domain {}: configured at fingerprint security level, but with no fingerprints to match.", destination.text);
    return wrong();
  }
  if (!policy->anchor_files.empty()) {
    auto anchors = tls::read_trust_anchors(policy->anchor_files);
    if (!anchors) {
      maillog::warning("{}", anchors.error().message());
      return wrong();
    }
    policy->anchors = std::move(*anchors);
  }
  return checked(std::move(*policy), params);
}

std::expected<TlsPolicy, delivery::Delivery> TlsSite::relaxed(const Params& params) const {
  // A server that begins with TLS has nothing else.
  return checked(of_level(std::min(general_, params.smtp_tls_wrappermode ? TlsLevel::encrypt : TlsLevel::may), params), params);
}

std::expected<TlsPolicy, delivery::Delivery> TlsSite::checked(TlsPolicy policy, const Params& params) const {
  if (!params.smtp_tls_wrappermode || policy.must_encrypt()) return policy;
  maillog::warning("{}_tls_wrappermode requires \"{}_tls_security_level = encrypt\" (or stronger)", prefix_, prefix_);
  return std::unexpected(endings::failed({4, 3, 0}, "server unavailable or unable to receive mail"));
}

}  // namespace smtp
