#pragma once
// The canonical form of an address: user@domain with every missing part completed (ADDRESS_REWRITING_README).

#include <string>
#include <string_view>

namespace rewrite {

struct CanonicalRules {
  std::string origin;     // appended to an address without domain; empty: nothing is
  std::string domain;     // appended to a domain without dot; empty: nothing is
  bool swap_bangpath = true;
  bool percent_hack = true;
};

// `external` and the result are in external (quoted) form. An empty address stays empty.
[[nodiscard]] std::string canonical_form(std::string_view external, const CanonicalRules& rules);

}  // namespace rewrite
