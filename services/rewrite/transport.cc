#include "services/rewrite/transport.h"

namespace rewrite {

Route parse_route(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

// Where mail goes that an entry sends to a transport without saying more: for those that refuse it that is a reason.
std::string TransportMaps::default_nexthop(std::string_view transport, std::string_view domain) const {
  return transport == error_transport_ || transport == "retry" ? "Address is undeliverable" : std::string(domain);
}

Result<maps::Found> TransportMaps::find(std::string_view recipient, std::string_view domain) const {
  const maps::AddressSearch search{.delimiters = delimiters_, .with_at_domain = false};
  maps::Found found = TRY(maps::find_address(maps_, recipient, search, nullptr));
  if (!found) found = TRY(maps::find_domain(maps_, domain, parents_match_));
  if (!found) found = TRY(maps_.lookup_partial("*"));
  return found;
}

Result<void> TransportMaps::apply(std::string_view recipient, std::string_view domain, Route& route) const {
  if (maps_.empty()) return {};
  const maps::Found found = TRY(find(recipient, domain));
  if (!found) return {};
  Route entry = parse_route(*found);
  if (!entry.transport.empty()) {
    route.nexthop = entry.nexthop.empty() ? default_nexthop(entry.transport, domain) : std::move(entry.nexthop);
    route.transport = std::move(entry.transport);
  } else if (!entry.nexthop.empty()) {
    route.nexthop = std::move(entry.nexthop);
  }
  return {};
}

}  // namespace rewrite
