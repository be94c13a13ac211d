#pragma once
// Values that nobody honours yet, of parameters that are honoured otherwise: the `lacks` fields of the records.

#include <span>
#include <string_view>

namespace config {

struct LackingValue {
  std::string_view parameter, value;
  std::string_view users;  // the programs that should honour it, separated by ", "
};

// By parameter; made with the table of records.
[[nodiscard]] std::span<const LackingValue> lacking_values();

}  // namespace config
