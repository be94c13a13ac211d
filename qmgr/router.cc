#include "qmgr/router.h"

#include <algorithm>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"

namespace qmgr {

Route Router::route(const ActiveMessage& message, const ipc::DeliveryRecipient& recipient) {
  if (message.is_force_expired()) return {"retry", "4.7.0 message is administratively expired", recipient.address};
  // Strangers decide which addresses are probed; mail keeps its place in the active queue. This one counts itself.
  if (message.is_probe() && scheduler_.probes() > static_cast<std::size_t>(params_.address_verify_pending_request_limit)) {
    return {"retry", "4.3.2 Too many address verification requests", recipient.address};
  }
  const mail::AddressParts parts = mail::split(recipient.address);
  const auto answer = message.is_probe() ? addresses_.resolve_probe(message.envelope().sender, recipient.address)
                               : addresses_.resolve(message.envelope().sender, recipient.address);
  if (!answer || answer->status == ipc::ResolveStatus::fail) {
    return {"retry", "4.3.0 address resolver failure", recipient.address};
  }
  if (answer->address_class == ipc::AddressClass::local && ascii::equal_ignoring_case(parts.local, params_.double_bounce_sender)) {
    return {"discard", "undeliverable postmaster notification discarded", recipient.address};
  }
  if (!message.envelope().filter.empty()) return filter(message, recipient);
  // Whoever asks for the mail (postqueue -f, -i) means that of these transports, too.
  const bool is_asked_for = message.why() == Why::flushed || message.why() == Why::demanded;
  if (!is_asked_for && is_deferred_transport(answer->transport)) {
    return {"retry", "4.3.2 deferred transport", recipient.address};
  }
  return {answer->transport, answer->nexthop, answer->address};
}

Route Router::filter(const ActiveMessage& message, const ipc::DeliveryRecipient& recipient) const {
  const std::string& filter = message.envelope().filter;
  const std::size_t colon = filter.find(':');
  std::string nexthop = colon == std::string::npos ? "" : filter.substr(colon + 1);
  if (nexthop.empty()) nexthop = params_.default_filter_nexthop;
  if (nexthop.empty()) nexthop = mail::split(recipient.address).domain;
  return {filter.substr(0, colon), std::move(nexthop), recipient.address};
}

bool Router::is_deferred_transport(std::string_view name) const {
  if (params_.defer_transports.empty()) return false;
  const auto names = ascii::split(params_.defer_transports, ", \t\r\n");
  return std::ranges::find(names, name) != names.end();
}

}  // namespace qmgr
