// static:VALUE and static:{VALUE WITH SPACE}: every key is found, with that value.

#include "lib/maps/list.h"
#include "lib/maps/registry.h"

namespace maps {
namespace {

class StaticTable final : public Table {
 public:
  StaticTable(std::string name, std::string_view value) : Table(std::move(name)), value_(value) {}
  Result<Found> lookup(std::string_view) override { return Found(value_); }
  [[nodiscard]] bool has_fixed_keys() const override { return false; }

 private:
  std::string value_;
};

}  // namespace

OpenResult open_static(const OpenRequest& request) {
  std::string_view value = request.name;
  if (value.starts_with('{')) {
    auto inner = without_braces(value);
    if (!inner) return base::Failure(std::move(inner).error().within("bad static:name syntax"));
    value = *inner;
  }
  return std::make_shared<StaticTable>(request.full_name(), value);
}

}  // namespace maps
