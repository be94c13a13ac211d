#pragma once
// What the log says of TLS in a delivery (smtp_log_tls_feature_status): "may", "may:none", "!encrypt", "secure/requiretls".

#include <optional>
#include <string>

namespace smtp {

struct TlsStatus {
  enum class Outcome {
    undecided,  // it never came to that
    broken,     // what was demanded was not to be had, and nothing was sent
    kept,       // perhaps as less than the whole
  };
  struct Feature {
    std::string name;
    Outcome outcome = Outcome::undecided;
    std::string fallen_to = {};   // what was had instead; empty: nothing but the whole
    [[nodiscard]] std::string text() const;
  };

  Feature level{.name = "unknown"};
  std::optional<Feature> require_tls;   // none: the message does not ask for REQUIRETLS

  void settle(Outcome outcome, std::string fallen_to = {}) { level.outcome = outcome, level.fallen_to = std::move(fallen_to); }
  void settle_require_tls(Outcome outcome, std::string fallen_to = {}) {
    if (require_tls) require_tls->outcome = outcome, require_tls->fallen_to = std::move(fallen_to);
  }
  [[nodiscard]] std::string text() const;
};

}  // namespace smtp
