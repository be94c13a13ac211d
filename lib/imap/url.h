#pragma once
// IMAP URLs (RFC 5092) that name a message or a part of one: for CATENATE (RFC 4469) and URLAUTH=PARTIAL (RFC 5550).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/imap/fetch_items.h"

namespace imap {

inline constexpr std::size_t url_size_max = 4096;

struct MessageUrl {
  std::string user, host;   // of "imap://user;AUTH=*@host:port", without port; a relative URL has no host
  std::string mailbox;      // UTF-8; empty is the selected mailbox (";UID=20")
  std::optional<std::uint32_t> uid_validity;
  std::uint32_t uid = 0;
  Section section;          // of "/;SECTION=1.2.TEXT" and "/;PARTIAL=0.1024"

  // Fails with the words for NO [BADURL url].
  static Result<MessageUrl> parse(std::string_view text);
};

}  // namespace imap
