#pragma once
// The start of a session: the server's greeting, then EHLO, or HELO where EHLO is not understood (RFC 5321 section 3.2);
// LHLO in LMTP (RFC 2033 section 4.1).

#include <set>
#include <string>
#include <string_view>

#include "smtp/connection.h"
#include "smtp/smtp_params.h"

namespace smtp {

// Fills connection.features. `destination` is the domain that mail is for, should it turn out that we talk to ourselves.
// An error that is `bounced` is this server's last word; any other may be another server's matter.
[[nodiscard]] Step<void> shake_hands(Connection& connection, const Params& params,
                                     const std::set<std::string, std::less<>>& discard, std::string_view destination);

}  // namespace smtp
