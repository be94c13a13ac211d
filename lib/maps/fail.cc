// fail:ANY: every request is an Error, to test what callers do then.

#include "lib/maps/registry.h"

namespace maps {
namespace {

constexpr const char* reason = "Application error";

class FailTable final : public Table {
 public:
  using Table::Table;
  Result<Found> lookup(std::string_view) override { return base::fail(reason); }
  Result<void> each(const Visitor&) override { return base::fail(reason); }
  Result<void> put(std::string_view, std::string_view) override { return base::fail(reason); }
  Result<bool> erase(std::string_view) override { return base::fail(reason); }
};

}  // namespace

OpenResult open_fail(const OpenRequest& request) { return std::make_shared<FailTable>(request.full_name()); }

}  // namespace maps
