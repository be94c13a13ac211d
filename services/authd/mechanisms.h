#pragma once
// The SASL mechanisms that this program has, and which of them are offered: what auth_mechanisms names, and some source of
// passwords can serve.

#include <optional>
#include <string_view>
#include <vector>

#include "lib/auth/mechanism.h"
#include "lib/auth/password.h"
#include "lib/base/error.h"
#include "services/authd/passdb.h"

namespace authd {

struct MechanismRow {
  std::string_view name;
  auth::Property properties;
  std::optional<Needs> needs;              // none: no password
  std::optional<auth::ScramHash> hash;     // of SCRAM
  // "-PLUS": needs the binding of the client's TLS connection, which only our own programs tell.
  [[nodiscard]] bool is_bound() const { return (properties & auth::Property::channel_binding) != auth::Property::none; }
};

// Null when there is none of that name (any case).
[[nodiscard]] const MechanismRow* find_mechanism(std::string_view name);

// What auth_mechanisms says. The error names what is no mechanism.
[[nodiscard]] Result<std::vector<const MechanismRow*>> parse_mechanisms(std::string_view value);

// Those of them that `passdb` can serve now, or oauthd(8) where `takes_tokens`.
[[nodiscard]] std::vector<const MechanismRow*> offered(const std::vector<const MechanismRow*>& wanted, const Passdb& passdb, bool takes_tokens);

}  // namespace authd
