#pragma once
// trivial-rewrite(8) as its askers see it: questions about addresses, with recent answers kept for a moment.

#include <string>
#include <string_view>
#include <utility>

#include "lib/base/recent.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/messages/rewrite.h"

namespace ipc {

class Addresses {
 public:
  // `socket`: of rewrite_service_name, below the queue directory.
  Addresses(Connections& services, const base::Clock& clock, std::string socket = std::string(AskAddress::socket))
      : services_(services), kept_(clock), socket_(std::move(socket)) {}

  // Where mail for `recipient` (internal form) goes. ResolveStatus::fail comes back as an answer, not as an Error.
  [[nodiscard]] Result<AddressAnswer> resolve(std::string_view sender, std::string_view recipient);

  // The same for a probe of verify(8), which may take another way.
  [[nodiscard]] Result<AddressAnswer> resolve_probe(std::string_view sender, std::string_view recipient);

  // The canonical form of `address` (external form) under the rule "local" or "remote".
  [[nodiscard]] Result<std::string> rewrite(std::string_view rule, std::string_view address);

 private:
  [[nodiscard]] Result<AddressAnswer> ask(AddressRequest request);

  Connections& services_;
  base::Recent<AddressAnswer> kept_;
  std::string socket_;
};

}  // namespace ipc
