#pragma once
// smtp_dns_reply_filter and its like: tables that say of a DNS record that it is not to be seen.

#include <string>

#include "lib/dns/resolver.h"
#include "lib/maps/table.h"

namespace maps {

// `value` is that of `parameter`; an empty one filters nothing. The error: a table that there cannot be.
[[nodiscard]] Result<void> filter_replies(dns::Resolver& resolver, Tables& tables, std::string parameter, std::string_view value);

}  // namespace maps
