#pragma once
// The arguments of commands about the session and the account: LOGIN, AUTHENTICATE, ENABLE (RFC 5161), ID (RFC 2971), COMPRESS
// (RFC 4978), quotas (RFC 9208). Each parse fails with the words for BAD.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/imap/arguments.h"

namespace imap {

inline constexpr std::size_t id_pairs_limit = 30, id_key_size_max = 30, id_value_size_max = 1024;   // RFC 2971 section 3.3
inline constexpr std::size_t enable_limit = 64;
inline constexpr std::size_t quota_resources_limit = 16;

struct LoginArguments {
  std::string user, password;
  static Result<LoginArguments> parse(Values values);
};

struct AuthenticateArguments {
  std::string mechanism;                  // upper case
  std::optional<std::string> initial;     // base64; "=" is the empty response (RFC 4959)
  static Result<AuthenticateArguments> parse(Values values);
};

// Capabilities, upper case; those that are not known are ignored by the caller.
Result<std::vector<std::string>> parse_enable(Values values);

// Names and values; NIL values and a NIL list are left out.
Result<std::vector<std::pair<std::string, std::string>>> parse_id(Values values);

// The one mechanism, upper case ("DEFLATE").
Result<std::string> parse_compress(Values values);

struct SetQuotaArguments {
  std::string root;
  std::vector<std::pair<std::string, std::uint64_t>> limits;   // "STORAGE" in units of 1024 bytes, "MESSAGE"
  static Result<SetQuotaArguments> parse(Values values);
};

}  // namespace imap
