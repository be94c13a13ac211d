#pragma once
// XFORWARD (smtp_send_xforward_command): a content filter is told where a message came from, so that it can log that and say it
// to the server behind it.

#include "lib/ipc/messages/delivery.h"
#include "smtp/connection.h"
#include "smtp/smtp_params.h"

namespace smtp {

// What is known of the client and asked for by the server. A refusal is logged and does not matter. The failure is that of the
// connection.
[[nodiscard]] Step<void> send_xforward(Connection& connection, const ipc::DeliveryRequest& request, const Params& params);

}  // namespace smtp
