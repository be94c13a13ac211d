#include "lib/delivery/status_filter.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace delivery {

Result<StatusFilter> StatusFilter::open(maps::Tables& tables, std::string_view parameter, std::string_view value) {
  StatusFilter filter;
  filter.parameter_ = parameter;
  filter.tables_ = ascii::trim(value);
  filter.maps_ = TRY(maps::Maps::open(tables, parameter, value, maps::Flags::none));
  return filter;
}

Delivery StatusFilter::apply(Delivery delivery) const {
  if (maps_.empty()) return delivery;
  const std::string text = fmt::format("{} {}", delivery.dsn.text(), delivery.reason);
  const auto found = maps_.lookup(text);
  if (!found) {
    maillog::warning("{} lookup error for \"{}\"", tables_, text);
    return delivery;
  }
  if (!*found) return delivery;
  std::string_view reason = **found;
  const auto dsn = mail::Dsn::parse_prefix(reason);
  if (!dsn || dsn->is_success() != delivery.dsn.is_success()) {
    maillog::warning("{}: bad status code: {}", parameter_, **found);
    return delivery;
  }
  delivery.dsn = *dsn;
  delivery.reason = ascii::trim(reason);
  if (!dsn->is_success()) delivery.status = dsn->is_permanent() ? Status::bounced : Status::deferred;
  return delivery;
}

}  // namespace delivery
