#pragma once
// The start of a session: the server's greeting, then EHLO, or HELO where EHLO is not understood (RFC 5321 section 3.2);
// LHLO in LMTP (RFC 2033 section 4.1).

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "smtp/connection.h"
#include "smtp/pix.h"
#include "smtp/sasl.h"
#include "smtp/smtp_params.h"
#include "smtp/starttls.h"

namespace smtp {

struct Handshake {
  const Params& params;
  const std::set<std::string, std::less<>>& discard;   // keywords that are taken for not offered
  std::string_view destination;                        // the domain that mail is for, should it turn out that we talk to ourselves
  std::function<PixWorkarounds()> workarounds;         // asked when the greeting is a PIX firewall's
  TlsPlan& tls;
  SaslPlan sasl;
};

// Fills connection.features. An error that is `bounced` is this server's last word; any other may be another server's matter.
[[nodiscard]] Step<void> shake_hands(Connection& connection, const Handshake& handshake);

}  // namespace smtp
