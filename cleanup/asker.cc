#include "cleanup/asker.h"

#include <fmt/core.h>

#include "cleanup/lookup.h"
#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace cleanup {

Result<std::string> Asker::rewrite(Context context, const std::string& external) {
  return addresses_.rewrite(context == Context::local ? "local" : "remote", external);
}

bool Asker::is_local_domain(std::string_view domain) const {
  if (ascii::equal_ignoring_case(domain, options_.myorigin)) return true;
  // A list that cannot be asked only costs the short forms of the address their look-up; the full form fails by itself.
  return local_domains_.matches(domain).value_or(false);
}

Result<bool> Asker::is_masquerade_exception(const std::string& local) {
  auto found = masquerade_exceptions_.matches(local);
  if (found) return found;
  maillog::warning("{}", found.error().message());
  return base::fail(fmt::format("masquerade_exceptions map lookup problem -- {}", not_accepted));
}

Result<std::optional<Alias>> Asker::lookup(AddressTable table, const std::string& internal) {
  const maps::Maps& asked = maps_[static_cast<std::size_t>(table)];
  if (asked.empty() || internal.empty()) return std::optional<Alias>();
  const maps::AddressSearch search{
      .delimiters = options_.delimiters,
      .is_local_domain = [](const void* self, std::string_view domain) {
        return static_cast<const Asker*>(self)->is_local_domain(domain);
      },
      .context = this};
  Alias alias;
  maps::Found found = TRY(maps::find_address(asked, internal, search, &alias.extension));
  if (!found) return std::optional<Alias>();
  alias.text = std::move(*found);
  return std::optional(std::move(alias));
}

}  // namespace cleanup
