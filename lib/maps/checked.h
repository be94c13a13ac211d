#pragma once
// What all tables have in common, so that no type has to think of it: keys are folded, and where UTF-8 is on (RFC 6531)
// malformed keys are never found and malformed values are an Error.

#include <memory>

#include "lib/maps/table.h"

namespace maps {

// `text` as tables with fixed keys compare it: lower case, for UTF-8 text by Unicode's case folding.
[[nodiscard]] std::string fold_key(std::string_view text, bool utf8);

[[nodiscard]] std::shared_ptr<Table> make_checked(std::shared_ptr<Table> table, Flags flags);

}  // namespace maps
