#pragma once
// Base64 (RFC 4648 section 4), as SASL and table sources have it: padded, without line breaks, and nothing else.

#include <optional>
#include <string>
#include <string_view>

namespace base {

[[nodiscard]] std::string encode_base64(std::string_view bytes);
// None for anything that encode_base64 would not have made, but that bits behind the last byte do not matter.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace base
