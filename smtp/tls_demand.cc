#include "smtp/tls_demand.h"

#include <utility>

#include "lib/base/ascii.h"

namespace smtp {
namespace {

// "none", "may" and nothing allow plaintext; every other level, or a word that is no level, does not.
TlsDemand of_level(std::string_view text) {
  const auto words = ascii::split(text, ", \t\r\n");
  if (words.empty() || words[0] == "none" || words[0] == "may") return TlsDemand::none;
  return TlsDemand::required;
}

}  // namespace

TlsPolicy::TlsPolicy(std::string_view level, maps::Maps policies) : general_(of_level(level)), policies_(std::move(policies)) {}

Result<TlsDemand> TlsPolicy::demand(const Destination& destination) const {
  if (policies_.empty()) return general_;
  for (const std::string& key : {destination.text, destination.host}) {
    if (const maps::Found found = TRY(policies_.lookup(key))) return of_level(*found);
  }
  const std::string_view host = destination.host;
  for (std::size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
    if (const maps::Found found = TRY(policies_.lookup_partial(host.substr(dot)))) return of_level(*found);
  }
  return general_;
}

}  // namespace smtp
