#pragma once
// What TLS a destination gets, and what it must show: by smtp_tls_policy_maps, else by smtp_tls_security_level.

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/maps/table.h"
#include "lib/smtp/tls_log_levels.h"
#include "lib/tls/context.h"
#include "smtp/destination.h"
#include "smtp/endings.h"
#include "smtp/external_policy.h"
#include "smtp/per_site.h"
#include "smtp/smtp_params.h"
#include "smtp/tls_level.h"

namespace smtp {

// What the table says; completed() adds what main.cf does.
struct TlsPolicy {
  TlsLevel level = TlsLevel::none;
  std::string protocols = {}, ciphers = {}, exclude = {}, server_name = {};
  bool reuses_connections = false;  // smtp_tls_connection_reuse
  bool wants_raw_key = false;       // enable_rpk, smtp_tls_enable_rpk
  bool is_fallback = false;         // no TLS, since the handshake of one that may do without has failed
  std::string kept_under = {};      // where its connections are found again; empty: nowhere
  std::vector<std::string> match;   // names and "hostname", "nexthop", "dot-nexthop"; or fingerprints
  std::string dane_name = {};            // at the levels of DANE (smtp/dane.h): the server's name
  std::vector<tls::DaneRecord> dane = {};   // and its records, not empty
  std::vector<std::string> anchor_files = {};   // tafile, smtp_tls_trust_anchor_file
  std::vector<tls::DaneRecord> anchors = {};    // what is in them: nobody else is an authority
  ExternalPolicy external = {};

  [[nodiscard]] bool must_encrypt() const { return level >= TlsLevel::encrypt; }
  [[nodiscard]] bool must_match() const { return level >= TlsLevel::fingerprint; }
  [[nodiscard]] bool is_dane() const { return level == TlsLevel::half_dane || level == TlsLevel::dane || level == TlsLevel::dane_only; }
  // As text: a connection that was made under another policy is not for this one.
  [[nodiscard]] std::string identity() const;
  // For the server `host` of the destination `nexthop`.
  [[nodiscard]] tls::ServerDemands demands(std::string_view host, std::string_view nexthop) const;
};

[[nodiscard]] TlsPolicy completed(TlsPolicy policy, const Params& params);

// Mail waits, since there is no policy for this server.
[[nodiscard]] delivery::Delivery no_policy(const Destination& destination, std::string_view host, const std::string& reason,
                                           mail::Dsn dsn = {4, 7, 5});

// What all sessions of the process share of TLS.
class TlsSite {
 public:
  // `prefix` is "smtp" or "lmtp". The error: a level that there is not. What else is wrong is logged, and then there is no context.
  static Result<TlsSite> open(maps::Tables& tables, const Params& params, const std::string& prefix,
                              const std::function<void(const std::string&)>& watch_file);

  // For the server `host`. What is wrong with the policy is logged; then mail waits.
  [[nodiscard]] std::expected<TlsPolicy, delivery::Delivery> policy(const Params& params, const Destination& destination, std::string_view host) const;

  // For a message that would rather be delivered than protected: what main.cf has, but no more than "may" ("encrypt" in wrapper mode).
  [[nodiscard]] std::expected<TlsPolicy, delivery::Delivery> relaxed(const Params& params) const;

  // Null: TLS is not used, or cannot be.
  [[nodiscard]] const tls::ClientContext* context() const { return context_.get(); }
  // main.cf has a level for destinations that no table names.
  [[nodiscard]] bool has_general_level() const { return general_ != TlsLevel::none; }
  [[nodiscard]] tls::LogLevel log_level() const { return log_levels_.general(); }
  // For one server. May park.
  [[nodiscard]] tls::LogLevel log_level_of(const Destination& destination, const Peer& peer) const;

 private:
  TlsSite() = default;
  [[nodiscard]] bool is_used() const { return general_ != TlsLevel::none || !policies_.empty() || !per_site_.empty(); }
  [[nodiscard]] std::expected<TlsPolicy, delivery::Delivery> checked(TlsPolicy policy, const Params& params) const;
  [[nodiscard]] std::expected<TlsPolicy, delivery::Delivery> find(const Params& params, const Destination& destination, std::string_view host) const;
  [[nodiscard]] Result<TlsPolicy> from_table(const Params& params, const Destination& destination) const;
  [[nodiscard]] std::string of_table(const Destination& destination, const std::string& problem) const;

  std::string prefix_;
  TlsLevel general_ = TlsLevel::none;
  maps::Maps policies_;
  PerSite per_site_;
  std::unique_ptr<tls::ClientContext> context_;
  TlsLogLevels log_levels_;
};

}  // namespace smtp
