#pragma once
// What virtual_alias_maps or canonical maps say of an address: a result text, taken apart into complete addresses.

#include <optional>
#include <string>
#include <vector>

#include "cleanup/addresses.h"
#include "cleanup/policy.h"

namespace cleanup {

// In internal form, with the extension of `internal` where the table has the address without it and the policy says so.
// None: the table says nothing; otherwise there is at least one. The error's message is the line to log.
[[nodiscard]] Result<std::optional<std::vector<std::string>>> look_up(Addresses& addresses, const Policy& policy,
                                                                     AddressTable table, const std::string& internal);

// How such a line ends.
inline constexpr std::string_view not_accepted = "message not accepted, try again later";

}  // namespace cleanup
