#pragma once
// The lines that the flags F, R, O and D put in front of a message.

#include <string>

#include "lib/ipc/messages/delivery.h"
#include "pipe/attributes.h"

namespace pipe_agent {

// Lines end as eol= says. O and D speak of `recipient`, who is then the only one of the request.
[[nodiscard]] std::string heading_of(const ipc::DeliveryRequest& request, const ipc::DeliveryRecipient& recipient,
                                     const Attributes& attributes);

}  // namespace pipe_agent
