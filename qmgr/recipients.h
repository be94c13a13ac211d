#pragma once
// The recipients of a queue file, as delivery agents are asked for them.

#include <vector>

#include "lib/ipc/messages/delivery.h"
#include "lib/queue/message.h"

namespace qmgr {

[[nodiscard]] std::vector<ipc::DeliveryRecipient> to_delivery(const std::vector<queue::Recipient>& recipients);

// Moves the recipients out of a message. One with a REDIRECT address has just this one: it stands for the first of those
// in the file and for all others, and no more are to be read.
[[nodiscard]] std::vector<ipc::DeliveryRecipient> take_recipients(queue::Message& message);

// By domain, whatever its case, then by local part: the order in which agents are given them.
void sort_recipients(std::vector<ipc::DeliveryRecipient>& recipients);

}  // namespace qmgr
