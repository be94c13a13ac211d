#pragma once
// Canonical mapping: the address in the form in which the world is to see it. sender_canonical_maps or
// recipient_canonical_maps first, canonical_maps after them, masquerading last; each where its classes say.

#include <string>

#include "cleanup/addresses.h"
#include "cleanup/policy.h"

namespace cleanup {

// Internal form in and out; the empty address stays as it is. Warnings name `queue_id`. The error's message is the line to
// log; the message is not accepted then.
class Canonical {
 public:
  Canonical(Addresses& addresses, const Policy& policy, const std::string& queue_id)
      : addresses_(addresses), policy_(policy), queue_id_(queue_id) {}

  [[nodiscard]] Result<std::string> map(AddressPlace place, std::string internal) const;

 private:
  [[nodiscard]] Result<std::string> mapped_by(AddressTable table, std::string internal) const;

  Addresses& addresses_;
  const Policy& policy_;
  const std::string& queue_id_;
};

// user@host.domain is user@domain, for the first of masquerade_domains ("!domain" leaves it as it is) that the address is in.
[[nodiscard]] std::string masqueraded(const std::vector<std::string>& domains, const std::string& internal);

}  // namespace cleanup
