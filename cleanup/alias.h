#pragma once
// virtual_alias_maps: one recipient becomes the addresses that it stands for, again and again until an address has no
// alias or is its own.

#include <string>
#include <vector>

#include "cleanup/addresses.h"
#include "cleanup/policy.h"

namespace cleanup {

// The addresses in internal form, in the order in which Postfix writes them: the first address of a result takes the
// place of what was looked up, the others go to the end. Just `recipient` when it has no alias. The error's message is
// the line to log; the message is not accepted then.
[[nodiscard]] Result<std::vector<std::string>> expand_aliases(Addresses& addresses, const Policy& policy,
                                                              const std::string& recipient);

}  // namespace cleanup
