#include "cleanup/canonical.h"

#include <fmt/core.h>

#include "cleanup/lookup.h"
#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"

namespace cleanup {
namespace {

// Lookups that may follow on each other in one table. Then the address stays what it has become: unlike an alias it is one
// address in any case, and the message can be delivered.
constexpr int recursion_limit = 10;

bool is_sender(AddressPlace place) {
  return place == AddressPlace::envelope_sender || place == AddressPlace::header_sender;
}

}  // namespace

std::string masqueraded(const std::vector<std::string>& domains, const std::string& internal) {
  const mail::AddressParts address = mail::split(internal);
  for (std::string_view parent : domains) {
    bool is_hidden = true;
    for (; parent.starts_with('!'); parent.remove_prefix(1)) is_hidden = !is_hidden;
    if (ascii::equal_ignoring_case(address.domain, parent)) break;
    if (address.domain.size() <= parent.size()) continue;
    const std::size_t dot = address.domain.size() - parent.size() - 1;
    if (address.domain[dot] != '.' || !ascii::equal_ignoring_case(address.domain.substr(dot + 1), parent)) continue;
    if (!is_hidden) break;
    return fmt::format("{}@{}", address.local, parent);
  }
  return internal;
}

Result<std::string> Canonical::mapped_by(AddressTable table, std::string internal) const {
  for (int lookups = 0; lookups < recursion_limit; ++lookups) {
    auto results = TRY(look_up(addresses_, policy_, table, internal));
    if (!results) return internal;
    if (results->size() > 1) {
      maillog::warning("{}: multi-valued {} entry for {}", queue_id_, parameter_name(table), internal);
    }
    if (results->front() == internal) return internal;
    internal = std::move(results->front());
  }
  maillog::warning("{}: unreasonable {} map nesting for {} -- {}", queue_id_, parameter_name(table), internal, not_accepted);
  return internal;
}

Result<std::string> Canonical::map(AddressPlace place, std::string internal) const {
  if (internal.empty()) return internal;
  const bool sender = is_sender(place);
  if (has(sender ? policy_.sender_canonical_places : policy_.recipient_canonical_places, place)) {
    internal = TRY(mapped_by(sender ? AddressTable::sender_canonical : AddressTable::recipient_canonical, std::move(internal)));
  }
  if (has(policy_.canonical_places, place)) internal = TRY(mapped_by(AddressTable::canonical, std::move(internal)));
  if (policy_.masquerade_domains.empty() || !has(policy_.masquerade_places, place) || !internal.contains('@')) return internal;
  if (TRY(addresses_.is_masquerade_exception(std::string(mail::split(internal).local)))) return internal;
  return masqueraded(policy_.masquerade_domains, internal);
}

}  // namespace cleanup
