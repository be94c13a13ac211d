#pragma once
// trivial-rewrite(8) as its askers see it: questions about addresses, with recent answers kept for a moment.

#include <string>
#include <string_view>

#include "lib/base/recent.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/messages/rewrite.h"

namespace ipc {

class Addresses {
 public:
  Addresses(Connections& services, const base::Clock& clock) : services_(services), kept_(clock) {}

  // Where mail for `recipient` (internal form) goes. ResolveStatus::fail comes back as an answer, not as an Error.
  [[nodiscard]] Result<AddressAnswer> resolve(std::string_view sender, std::string_view recipient);

  // The canonical form of `address` (external form) under the rule "local" or "remote".
  [[nodiscard]] Result<std::string> rewrite(std::string_view rule, std::string_view address);

 private:
  [[nodiscard]] Result<AddressAnswer> ask(AddressRequest request);

  Connections& services_;
  base::Recent<AddressAnswer> kept_;
};

}  // namespace ipc
