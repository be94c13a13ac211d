#pragma once
// JSON as tokens and their servers have it: one object, not deep, no name twice. Pure.

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "lib/base/error.h"

namespace oauthd {

using Json = nlohmann::json;

inline constexpr std::size_t json_limit = 64 * 1024;   // bytes
inline constexpr std::size_t json_key_set_limit = 1024 * 1024;
inline constexpr int json_depth_limit = 8;

// The error says what is wrong and nothing of the text. RFC 7519 section 4: of two claims with one name either none counts
// or the last; here none, since others may have read the first.
[[nodiscard]] Result<Json> parse_object(std::string_view text, std::size_t limit = json_limit);

// The string of that name; empty when there is none, or something else.
[[nodiscard]] std::string text_of(const Json& object, std::string_view name);

}  // namespace oauthd
