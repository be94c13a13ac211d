#include "qmgr/recipients.h"

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

}  // namespace qmgr
