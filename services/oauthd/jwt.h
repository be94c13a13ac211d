#pragma once
// JSON Web Tokens (RFC 7519) with a signature (RFC 7515, compact serialization). Which algorithm a key is for, the key
// says; the token's own word has to agree, and is believed in nothing (RFC 8725 section 3.1). Pure.

#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "services/oauthd/json.h"
#include "services/oauthd/keys.h"

namespace oauthd {

// Three parts with dots between: an opaque token is not.
[[nodiscard]] bool looks_like_jwt(std::string_view token);

// The claims of a token that one of `keys` has signed. The error has nothing of the token.
[[nodiscard]] Result<Json> verified_claims(std::string_view token, const std::vector<Key>& keys);

}  // namespace oauthd
