#include "smtp/tls_status.h"

namespace smtp {

std::string TlsStatus::Feature::text() const {
  if (outcome == Outcome::undecided) return name + "?";
  return (outcome == Outcome::broken ? "!" : "") + name + (fallen_to.empty() ? "" : ":" + fallen_to);
}

std::string TlsStatus::text() const { return level.text() + (require_tls ? "/" + require_tls->text() : ""); }

}  // namespace smtp
