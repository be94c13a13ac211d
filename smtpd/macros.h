#pragma once
// What templates of replies may tell of a session: $client_address and its like (smtpd_reject_footer, default_rbl_reply).

#include <optional>
#include <string>
#include <string_view>

#include "smtpd/client.h"

namespace smtpd {

struct MacroFacts {
  const Client& client;
  std::string_view helo;
  std::optional<std::string_view> sender;  // none outside of a transaction
  std::string_view recipient;
  std::string_view server_name;
};

// None for a name that there is not.
[[nodiscard]] std::optional<std::string> macro_value(std::string_view name, const MacroFacts& facts);

}  // namespace smtpd
