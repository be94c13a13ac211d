#pragma once
// default_delivery_status_filter and its like for each agent: tables that are asked with "dsn text" of every ended delivery,
// and may put another code and text in its place.

#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/delivery/outcome.h"
#include "lib/maps/table.h"

namespace delivery {

class StatusFilter {
 public:
  // Changes nothing.
  StatusFilter() = default;
  // `parameter` names the parameter, for the log.
  static Result<StatusFilter> open(maps::Tables& tables, std::string_view parameter, std::string_view value);

  // The delivery with what the table says. A failure may become a deferral and the other way round; no failure becomes a
  // success, and no success a failure: that is logged, as is a result without a code and a table that cannot be asked, and
  // the delivery stays as it is.
  [[nodiscard]] Delivery apply(Delivery delivery) const;

 private:
  std::string parameter_, tables_;
  maps::Maps maps_;
};

}  // namespace delivery
