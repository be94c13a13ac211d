#pragma once
// The From: field that cleanup adds: a full name (sendmail -F, the user database) and the envelope sender.

#include <string>
#include <string_view>

#include "cleanup/policy.h"

namespace cleanup {

// The name as a phrase (RFC 5322 section 3.2.5): quoted where it has other characters than atoms may have, encoded (RFC
// 2047) where it has other than ASCII. May have line breaks, each followed by a tab.
[[nodiscard]] std::string phrase(std::string_view full_name, std::string_view charset);

// "NAME: value" of a From: or Resent-From: field. `sender` is in external form; empty for the null sender.
[[nodiscard]] std::string from_field(std::string_view name, std::string_view full_name, std::string_view sender,
                                     const Policy& policy);

}  // namespace cleanup
