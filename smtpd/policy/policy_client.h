#pragma once
// A policy server (SMTPD_POLICY_README): a request of name=value lines, an empty line; the answer in the same form. What it
// says is not to be trusted more than the network that it came over.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/maps/server_connections.h"
#include "smtpd/smtpd_params.h"

namespace smtpd::policy {

// Of one server; main.cf has the defaults.
struct PolicySettings {
  std::chrono::seconds timeout, max_idle, max_ttl, retry_delay;
  int try_limit, request_limit;
  std::string default_action, context;
  static PolicySettings of(const Params& params);
};

class PolicyClient {
 public:
  static constexpr std::size_t line_limit = 8192, lines_limit = 100;   // of an answer

  // "inet:host:port", "unix:path", or "{ inet:host:port, timeout = 10s, ... }".
  static Result<std::shared_ptr<PolicyClient>> parse(std::string_view text, const PolicySettings& defaults);

  PolicyClient(std::string name, maps::ServerAddress address, PolicySettings settings)
      : name_(std::move(name)), settings_(std::move(settings)), connections_(std::move(address), {settings_.max_idle, settings_.max_ttl}) {}

  // The action; the default one where the server does not say: that is logged. Parks.
  [[nodiscard]] std::string ask(const std::string& request);

  // "inet:127.0.0.1:10031".
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& context() const { return settings_.context; }

 private:
  [[nodiscard]] Result<std::string> try_ask(const std::string& request);
  [[nodiscard]] Result<std::string> read_action(io::Stream& stream, Deadline deadline) const;

  std::string name_;
  PolicySettings settings_;
  maps::ServerConnections connections_;
};

}  // namespace smtpd::policy
