#pragma once
// "transport:nexthop": the delivery agent and where it sends, from parameters and transport_maps (transport(5)).

#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/mail/address.h"
#include "lib/maps/table.h"

namespace rewrite {

struct Route {
  std::string transport;
  std::string nexthop;  // empty: not named
};

// Splits at the first colon; a text without one is a transport.
[[nodiscard]] Route parse_route(std::string_view text);

class TransportMaps {
 public:
  TransportMaps() = default;
  // `error_transport`: error_service_name.
  TransportMaps(maps::Maps maps, mail::Delimiters delimiters, bool parents_match, std::string error_transport)
      : maps_(std::move(maps)), delimiters_(std::move(delimiters)), parents_match_(parents_match), error_transport_(std::move(error_transport)) {}

  // Asks for user+ext@domain, user@domain, domain, its parents, "*". An entry's transport replaces the route's, and then
  // an entry without nexthop means the recipient's domain; an entry without transport replaces the nexthop, if it has one.
  [[nodiscard]] Result<void> apply(std::string_view recipient, std::string_view domain, Route& route) const;

 private:
  [[nodiscard]] std::string default_nexthop(std::string_view transport, std::string_view domain) const;
  [[nodiscard]] Result<maps::Found> find(std::string_view recipient, std::string_view domain) const;

  maps::Maps maps_;
  mail::Delimiters delimiters_;
  bool parents_match_ = false;
  std::string error_transport_;
};

}  // namespace rewrite
