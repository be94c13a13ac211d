#pragma once
// Message identifiers of Message-ID, References and In-Reply-To (RFC 5322 section 3.6.4), normalised so that equal ones are equal bytes.

#include <string>
#include <string_view>
#include <vector>

namespace message {

constexpr std::size_t reference_limit = 1000;  // of one field; the last ones count, which are the nearest

// "<left@right>", "left@right"; empty when there is none.
[[nodiscard]] std::string first_message_id(std::string_view value);
[[nodiscard]] std::vector<std::string> message_ids(std::string_view value);

}  // namespace message
