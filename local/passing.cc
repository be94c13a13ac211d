// mailbox_transport, fallback_transport and their maps: the recipient is passed on to another delivery agent.

#include <fmt/format.h>

#include "lib/delivery/passing.h"
#include "lib/log/log.h"
#include "local/expansion.h"

namespace local {
bool Expansion::passed_on(const Step& step, const Name& name, const Passing& passing) {
  std::string to = passing.transport;
  if (!passing.maps.empty()) {
    const auto found = passing.maps.lookup(name.user);
    if (!found) {
      maillog::warning("{}: {}", request_.queue_id, found.error().message());
      deferred(step, {4, 3, 0}, fmt::format("{} lookup failure", passing.maps_parameter));
      return true;
    }
    if (*found) to = **found;
  }
  if (to.empty()) return false;
  // An alias may name a user twice.
  if (duplicates_.is_first("transport " + to, step.recipient.address)) pass_on(step, to);
  return true;
}

// The other agent logs the delivery and appends its failure to the bounce or defer log.
void Expansion::pass_on(const Step& step, const std::string& to) {
  const auto all_done = delivery::pass_on(*agent_.services, request_,
                                          {.to = to, .nexthop = agent_.params.myhostname, .sender = step.sender, .recipient = step.recipient});
  if (!all_done) {
    maillog::warning("{}: {}", request_.queue_id, all_done.error().message());
    return deferred(step, {4, 3, 0}, "mail transport unavailable");
  }
  if (!*all_done) is_deferred_ = true;
}

}  // namespace local
