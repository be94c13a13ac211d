#pragma once
// trivial-rewrite(8) as its askers see it: questions about addresses, with recent answers kept for a moment, since the
// same few addresses come again and again under load. A changed table is seen when the moment is over.

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/base/deadline.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/messages/rewrite.h"

namespace ipc {

class Addresses {
 public:
  static constexpr std::chrono::seconds answer_lifetime{1};
  static constexpr std::size_t answers_limit = 4096;  // when there are more, all are forgotten

  Addresses(Connections& services, const base::Clock& clock) : services_(services), clock_(clock) {}

  // Where mail for `recipient` (internal form) goes. ResolveStatus::fail comes back as an answer, not as an Error.
  [[nodiscard]] Result<AddressAnswer> resolve(std::string_view sender, std::string_view recipient);

  // The canonical form of `address` (external form) under the rule "local" or "remote".
  [[nodiscard]] Result<std::string> rewrite(std::string_view rule, std::string_view address);

 private:
  struct Kept {
    AddressAnswer answer;
    Deadline until;
  };
  [[nodiscard]] Result<AddressAnswer> ask(AddressRequest request);

  Connections& services_;
  const base::Clock& clock_;
  std::unordered_map<std::string, Kept> kept_;
};

}  // namespace ipc
