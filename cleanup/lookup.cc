#include "cleanup/lookup.h"

#include <fmt/core.h>

#include "lib/log/log.h"
#include "lib/mail/mapped_addresses.h"

namespace cleanup {

Result<std::optional<std::vector<std::string>>> look_up(Addresses& addresses, const Policy& policy, AddressTable table,
                                                       const std::string& internal) {
  const auto problem = [&] {
    return base::fail(fmt::format("{} map lookup problem for {} -- {}", parameter_name(table), internal, not_accepted));
  };
  const auto alias = addresses.lookup(table, internal);
  if (!alias) {
    maillog::warning("{}", alias.error().message());
    return problem();
  }
  if (!*alias) return std::optional<std::vector<std::string>>();
  const bool propagates = table == AddressTable::virtual_alias ? policy.propagate_virtual : policy.propagate_canonical;
  std::vector<std::string> out =
      TRY(mail::mapped_addresses((*alias)->text, internal, propagates ? (*alias)->extension : std::string(),
                                 policy.header_address_token_limit,
                                 [&](const std::string& external) { return addresses.rewrite(Context::local, external); }));
  if (out.empty()) {
    maillog::warning("{} lookup of {} returns non-address result \"{}\"", parameter_name(table), internal, (*alias)->text);
    return problem();
  }
  return std::optional(std::move(out));
}

}  // namespace cleanup
