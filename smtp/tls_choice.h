#pragma once
// How much TLS a message gets with a server: by the policy of the destination, by what DNSSEC says of the server, and by what the sender asks
// for (RFC 8689).

#include <expected>
#include <optional>
#include <string>

#include "lib/ipc/messages/delivery.h"
#include "smtp/dane.h"
#include "smtp/require_tls.h"
#include "smtp/route.h"
#include "smtp/smtp_params.h"
#include "smtp/tls_policy.h"
#include "smtp/tls_status.h"

namespace smtp {

struct TlsChoice {
  TlsPolicy policy;
  RequireTls require = RequireTls::not_asked;
  [[nodiscard]] TlsStatus status() const;
};

// For the life of one request. All is borrowed.
class TlsChooser {
 public:
  TlsChooser(const Params& params, const TlsSite& site, const Dane& dane, const RequireTlsPolicy& require, const ipc::DeliveryRequest& request)
      : params_(params), site_(site), dane_(dane), require_(require), request_(request) {}

  // A failure that is told of is logged as well.
  [[nodiscard]] std::expected<TlsChoice, delivery::Delivery> choose(const Destination& destination, const Candidate& candidate) const;

  // False: another server than those that the domain's MTA-STS policy names, which is logged.
  [[nodiscard]] bool allows(const TlsPolicy& policy, const Candidate& candidate) const;

  // Under what a connection for this destination may have been kept. None: this message gets one of its own.
  [[nodiscard]] std::optional<std::string> kept_under(const Destination& destination) const;

  // For the delivery line; empty where it has nothing of this.
  [[nodiscard]] std::string note(const TlsStatus& status) const { return params_.smtp_log_tls_feature_status ? status.text() : std::string(); }

 private:
  [[nodiscard]] bool asks_require_tls() const { return request_.tls_required && params_.requiretls_enable; }
  [[nodiscard]] std::expected<TlsPolicy, delivery::Delivery> of_tables(const Destination& destination, const std::string& host) const;
  [[nodiscard]] bool heeds_sts(const TlsPolicy& policy) const;

  const Params& params_;
  const TlsSite& site_;
  const Dane& dane_;
  const RequireTlsPolicy& require_;
  const ipc::DeliveryRequest& request_;
};

}  // namespace smtp
