#pragma once
// How a session logs in at its server (RFC 4954): whether, as whom (smtp_sasl_password_maps), by which mechanism, and what the server
// says of it.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/maps/table.h"
#include "smtp/connection.h"
#include "smtp/destination.h"
#include "smtp/mechanism.h"
#include "smtp/refused_logins.h"
#include "smtp/smtp_params.h"

namespace smtp {

// What all sessions of the process share of SASL.
class SaslSite {
 public:
  // `prefix` is "smtp" or "lmtp". The error: a setting that cannot be honoured.
  static Result<SaslSite> open(maps::Tables& tables, const Params& params, const std::string& prefix, const base::Clock& clock);

  [[nodiscard]] bool is_enabled() const { return mechanisms_.has_value(); }
  // Each sender is somebody else to the server, so that no session serves two of them.
  [[nodiscard]] bool is_by_sender() const { return is_enabled() && by_sender_; }
  // Who we are to a server, by the sender, the server's name, or the next hop. None: nobody.
  [[nodiscard]] Result<std::optional<Login>> login(const std::string& sender, const Destination& destination, const Peer& peer) const;
  // Whether what a session is to its server is what a message of this sender would be.
  [[nodiscard]] bool suits(const Connection& connection, const std::string& sender, const Destination& destination) const;

 private:
  friend class SaslSession;
  SaslSite() = default;

  std::string prefix_, delimiter_;
  std::optional<Mechanisms> mechanisms_;
  maps::Maps passwords_;
  maps::MatchList filter_;
  bool is_filtered_ = false, by_sender_ = false, is_soft_ = true, names_authzid_ = false;
  std::unique_ptr<RefusedLogins> refused_;   // null where nobody remembers
  auth::SecurityOptions plain_, encrypted_, verified_;
};

// What a session is told of it.
struct SaslPlan {
  const SaslSite& site;
  const std::string& sender;
  const Destination& destination;
  const std::string& queue_id;
  std::chrono::seconds timeout;
};

// After the last reply to EHLO. Notes in the connection who it is.
[[nodiscard]] Step<void> log_in(Connection& connection, const SaslPlan& plan);

}  // namespace smtp
