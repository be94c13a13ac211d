#pragma once
// What a mailbox is for (RFC 6154). Kept as bits, since a mailbox may have several.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace store {

namespace special {
inline constexpr std::uint8_t all = 1, archive = 2, drafts = 4, flagged = 8, junk = 16, sent = 32, trash = 64, important = 128;
}

// "\Sent", any case; 0 when it is none. The backslash may be missing.
[[nodiscard]] std::uint8_t special_use(std::string_view attribute);
// "\Drafts", "\Sent": with the backslash, in the alphabet's order.
[[nodiscard]] std::vector<std::string_view> special_use_names(std::uint8_t uses);

// mail_special_folders: "Sent=\Sent, Drafts=\Drafts, ...". A folder without use is only made.
struct SpecialFolder {
  std::string name;
  std::uint8_t uses = 0;
};
[[nodiscard]] Result<std::vector<SpecialFolder>> parse_special_folders(std::string_view text);

}  // namespace store
