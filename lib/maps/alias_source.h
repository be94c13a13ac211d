#pragma once
// The source of an alias table: lines "name: value, value, ..." (aliases(5)).

#include <optional>
#include <string>
#include <string_view>

#include "lib/maps/logical_lines.h"
#include "lib/maps/table.h"

namespace maps {

struct AliasEntry {
  std::string key;    // the name, quoted where the grammar of addresses demands it
  std::string value;  // the destinations, one space after each comma
  int line;
};

class AliasSource {
 public:
  // Both texts must outlive this. With utf8, lines that are not UTF-8 are ignored.
  AliasSource(std::string_view text, std::string_view file, bool utf8) : lines_(text, file), file_(file), utf8_(utf8) {}
  // The next good entry; bad lines are passed over with a warning.
  [[nodiscard]] std::optional<AliasEntry> next();

 private:
  LogicalLines lines_;
  std::string_view file_;
  bool utf8_;
};

// An alias's name as it is stored.
[[nodiscard]] std::string quoted_alias(std::string_view name);

// The alias of a local part (internal form). It is asked in quoted form, as postalias stores it since Postfix 3.12, and
// where that is another text also without quotes, as it was stored before.
[[nodiscard]] Result<Found> find_alias(const Maps& maps, std::string_view name);
[[nodiscard]] Result<Found> find_alias(Table& table, std::string_view name);

}  // namespace maps
