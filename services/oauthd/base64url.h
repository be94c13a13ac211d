#pragma once
// Base64 for file names and URLs (RFC 4648 section 5) without padding, as JOSE has it (RFC 7515 section 2).

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/base64.h"

namespace oauthd {

// None for anything that is not just that.
[[nodiscard]] inline std::optional<std::string> decode_base64url(std::string_view text) {
  if (text.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
  std::string usual(text);
  for (char& c : usual) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  constexpr std::size_t group = 4;
  while (usual.size() % group != 0) usual += '=';
  return base::decode_base64(usual);
}

}  // namespace oauthd
