#pragma once
// What a table says of an address, as addresses: the result of virtual_alias_maps, canonical maps, generic maps.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace mail {

// Completes an address: external form in and out.
using CompleteAddress = std::function<Result<std::string>(const std::string& external)>;

// The addresses of `text` (a list as in a header) in internal form, complete. "@domain" stands for the local part of `asked`
// there. Every other one gets `extension` ("+ext", or empty), unless its local part ends with it already.
[[nodiscard]] Result<std::vector<std::string>> mapped_addresses(std::string_view text, std::string_view asked,
                                                                std::string_view extension, std::size_t token_limit,
                                                                const CompleteAddress& complete);

}  // namespace mail
