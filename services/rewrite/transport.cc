#include "services/rewrite/transport.h"

namespace rewrite {

Route parse_route(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

Result<maps::Found> TransportMaps::find(std::string_view recipient, std::string_view domain) const {
  const maps::AddressSearch search{.recipient_delimiter = recipient_delimiter_, .with_at_domain = false};
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
    route.transport = std::move(entry.transport);
    route.nexthop = entry.nexthop.empty() ? std::string(domain) : std::move(entry.nexthop);
  } else if (!entry.nexthop.empty()) {
    route.nexthop = std::move(entry.nexthop);
  }
  return {};
}

}  // namespace rewrite
