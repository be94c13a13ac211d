#pragma once
// The list syntax of main.cf values: items separated by commas and white space; "{...}" protects both.

#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace maps {

// The items, braces included: "hash:a, inline:{x=y, {k=v w}}" is two. A brace that is not closed lasts to the end.
// The views point into `text`.
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view text);

// Whether a match of `parameter`'s list takes a domain for all that is below it: the parameter stands in the list that
// parent_domain_matches_subdomains is.
[[nodiscard]] bool parents_match(std::string_view parent_domain_matches_subdomains, std::string_view parameter);

// The text inside "{...}" without the space at both ends. The error is the reference's: missing '}' in "{foo", or text
// after the brace.
[[nodiscard]] Result<std::string_view> without_braces(std::string_view text);

}  // namespace maps
