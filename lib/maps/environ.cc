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
  Result<void> each(const Visitor& visit) override {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      const std::size_t equals = text.find('=');
      if (equals != std::string_view::npos) visit(text.substr(0, equals), text.substr(equals + 1));
    }
    return {};
  }
};

}  // namespace

OpenResult open_environ(const OpenRequest& request) { return std::make_shared<EnvironTable>(request.full_name()); }

}  // namespace maps
