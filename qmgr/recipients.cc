#include "qmgr/recipients.h"

#include <algorithm>
#include <tuple>

#include "lib/base/ascii.h"

namespace qmgr {

std::vector<ipc::DeliveryRecipient> to_delivery(const std::vector<queue::Recipient>& recipients) {
  std::vector<ipc::DeliveryRecipient> out;
  for (const queue::Recipient& recipient : recipients) {
    out.push_back({recipient.offset, recipient.address, recipient.original == recipient.address ? "" : recipient.original,
                   recipient.dsn_original, recipient.notify});
  }
  return out;
}

std::vector<ipc::DeliveryRecipient> take_recipients(queue::Message& message) {
  std::vector<ipc::DeliveryRecipient> recipients = to_delivery(message.recipients);
  message.recipients.clear();
  if (message.redirect.empty() || recipients.empty()) return recipients;
  message.more_recipients = 0;
  recipients.resize(1);
  ipc::DeliveryRecipient& only = recipients.front();
  if (only.original.empty()) only.original = only.address;
  only.address = message.redirect;
  return recipients;
}

void sort_recipients(std::vector<ipc::DeliveryRecipient>& recipients) {
  struct Keyed {
    std::string domain;
    std::size_t local_size;
    ipc::DeliveryRecipient recipient;
    [[nodiscard]] std::string_view local() const { return std::string_view(recipient.address).substr(0, local_size); }
  };
  if (recipients.size() < 2) return;
  std::vector<Keyed> keyed;
  keyed.reserve(recipients.size());
  for (ipc::DeliveryRecipient& recipient : recipients) {
    const std::size_t at = std::min(recipient.address.rfind('@'), recipient.address.size());
    keyed.push_back({ascii::lowercase(recipient.address.substr(at)), at, std::move(recipient)});
  }
  std::ranges::stable_sort(keyed, [](const Keyed& a, const Keyed& b) {
    return std::tuple(std::string_view(a.domain), a.local()) < std::tuple(std::string_view(b.domain), b.local());
  });
  std::ranges::transform(keyed, recipients.begin(), [](Keyed& one) { return std::move(one.recipient); });
}

}  // namespace qmgr
