#pragma once
// Whether mail for a destination may go in the clear. TLS itself is not built yet: where the site demands it, mail waits.

#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/maps/table.h"
#include "smtp/destination.h"

namespace smtp {

enum class TlsDemand { none, required };

class TlsPolicy {
 public:
  // `level` is smtp_tls_security_level, `policies` smtp_tls_policy_maps. An unknown level demands TLS.
  TlsPolicy(std::string_view level, maps::Maps policies);
  // By the destination as configured, its host, and (for a domain) its parents: "[host]:port", "example.com", ".com".
  [[nodiscard]] Result<TlsDemand> demand(const Destination& destination) const;

 private:
  TlsDemand general_;
  maps::Maps policies_;
};

}  // namespace smtp
