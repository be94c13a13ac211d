#pragma once
// Base64 (RFC 4648 section 4) for values that are file contents (-F).

#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace postmap {

[[nodiscard]] std::string encode_base64(std::string_view bytes);
[[nodiscard]] Result<std::string> decode_base64(std::string_view text);

}  // namespace postmap
