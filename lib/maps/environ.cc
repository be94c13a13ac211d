// environ:ANY: the process's environment. (Names in upper case are out of reach where keys are folded, as in Postfix.)

#include <cstdlib>

#include "lib/maps/registry.h"

namespace maps {
namespace {

class EnvironTable final : public Table {
 public:
  using Table::Table;
  Result<Found> lookup(std::string_view key) override {
    const char* const value = ::getenv(std::string(key).c_str());
    return value != nullptr ? Found(value) : Found{};
  }
};

}  // namespace

OpenResult open_environ(const OpenRequest& request) { return std::make_shared<EnvironTable>(request.full_name()); }

}  // namespace maps
