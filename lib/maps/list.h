#pragma once
// The list syntax of main.cf values: items separated by commas and white space; "{...}" protects both.

#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace maps {

// The items, braces included: "hash:a, inline:{x=y, {k=v w}}" is two. A brace that is not closed lasts to the end.
// The views point into `text`.
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view text);

// The text inside "{...}" without the space at both ends. The error is the reference's: missing '}' in "{foo", or text
// after the brace.
[[nodiscard]] Result<std::string_view> without_braces(std::string_view text);

}  // namespace maps
