#pragma once
// A PIX firewall in front of a server hides the server's greeting behind stars, breaks EHLO, and loses the end of a message
// where ".<CR><LF>" comes in a packet of its own (smtp_pix_workarounds).

#include <string>
#include <string_view>

#include "lib/smtp/reply.h"

namespace smtp {

struct PixWorkarounds {
  bool disable_esmtp = false;   // HELO in place of EHLO
  bool delay_dotcrlf = false;   // a pause before the end of the message
  [[nodiscard]] std::string text() const;
  bool operator==(const PixWorkarounds&) const = default;
};

// Words that nobody knows count for nothing.
[[nodiscard]] PixWorkarounds parse_pix_workarounds(std::string_view list);

[[nodiscard]] bool is_greeting_of_pix(const ServerReply& greeting);

}  // namespace smtp
