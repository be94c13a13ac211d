#pragma once
// To which class a domain belongs (ADDRESS_CLASS_README): whose mail it is, and who knows its users.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/ipc/messages/rewrite.h"
#include "lib/maps/table.h"

namespace rewrite {

struct DomainParameters {
  std::string mydestination, virtual_alias_domains, virtual_mailbox_domains, relay_domains;
  bool relay_parents_match = true;
  std::vector<std::string> own_addresses;  // of inet_interfaces and proxy_interfaces
};

class Domains {
 public:
  static Result<Domains> open(maps::Tables& tables, const DomainParameters& parameters);

  // Mail for user@domain stays on this machine: mydestination, or one of our addresses in brackets.
  [[nodiscard]] Result<bool> is_local(std::string_view domain) const;

  // Warns of a domain in two lists that exclude each other.
  [[nodiscard]] Result<ipc::AddressClass> class_of(std::string_view domain) const;

 private:
  Domains() = default;
  maps::MatchList local_, virtual_alias_, virtual_mailbox_, relay_;
  std::vector<std::string> own_addresses_;
};

}  // namespace rewrite
