#include "services/rewrite/domains.h"

#include <algorithm>

#include "lib/io/socket.h"
#include "lib/log/log.h"
#include "lib/maps/checked.h"

namespace rewrite {
namespace {

void warn_of_both(std::string_view domain, std::string_view one, std::string_view other) {
  maillog::warning("do not list domain {} in BOTH {} and {}", domain, one, other);
}

// The address in "[192.0.2.1]" or "[IPv6:2001:db8::1]" in its usual text; empty when it is none.
std::string literal_address(std::string_view domain) {
  if (!domain.starts_with('[') || !domain.ends_with(']')) return {};
  std::string_view text = domain.substr(1, domain.size() - 2);
  if (text.size() > 5 && maps::fold_key(text.substr(0, 5), false) == "ipv6:") text.remove_prefix(5);
  const auto address = io::Address::parse(text);
  return address ? address->text() : std::string();
}

}  // namespace

Result<Domains> Domains::open(maps::Tables& tables, const DomainParameters& parameters) {
  using maps::ListKind;
  using maps::MatchList;
  Domains domains;
  domains.local_ = TRY(MatchList::parse(tables, "mydestination", parameters.mydestination, ListKind::string, false));
  domains.virtual_alias_ =
      TRY(MatchList::parse(tables, "virtual_alias_domains", parameters.virtual_alias_domains, ListKind::string, false));
  domains.virtual_mailbox_ =
      TRY(MatchList::parse(tables, "virtual_mailbox_domains", parameters.virtual_mailbox_domains, ListKind::string, false));
  domains.relay_ =
      TRY(MatchList::parse(tables, "relay_domains", parameters.relay_domains, ListKind::domain, parameters.relay_parents_match));
  domains.own_addresses_ = parameters.own_addresses;
  return domains;
}

Result<bool> Domains::is_local(std::string_view domain) const {
  if (TRY(local_.matches(domain))) return true;
  const std::string address = literal_address(domain);
  return !address.empty() && std::ranges::find(own_addresses_, address) != own_addresses_.end();
}

Result<ipc::AddressClass> Domains::class_of(std::string_view domain) const {
  using ipc::AddressClass;
  if (TRY(is_local(domain))) {
    // The first lookup decides; the others are for the warning only, and their failure is not ours.
    if (virtual_alias_.matches(domain).value_or(false)) warn_of_both(domain, "mydestination", "virtual_alias_domains");
    if (virtual_mailbox_.matches(domain).value_or(false)) warn_of_both(domain, "mydestination", "virtual_mailbox_domains");
    return AddressClass::local;
  }
  if (TRY(virtual_alias_.matches(domain))) {
    if (virtual_mailbox_.matches(domain).value_or(false)) warn_of_both(domain, "virtual_alias_domains", "virtual_mailbox_domains");
    if (relay_.matches(domain).value_or(false)) warn_of_both(domain, "virtual_alias_domains", "relay_domains");
    return AddressClass::virtual_alias;
  }
  if (TRY(virtual_mailbox_.matches(domain))) {
    if (relay_.matches(domain).value_or(false)) warn_of_both(domain, "virtual_mailbox_domains", "relay_domains");
    return AddressClass::virtual_mailbox;
  }
  if (TRY(relay_.matches(domain))) return AddressClass::relay;
  return AddressClass::other;
}

}  // namespace rewrite
