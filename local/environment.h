#pragma once
// What a command gets to know of the message, as environment variables.

#include <string>
#include <string_view>
#include <vector>

#include "lib/ipc/messages/delivery.h"

namespace local {

// One recipient's delivery to a command. Addresses in internal form.
struct CommandContext {
  std::string user, home, shell;       // home and shell: none where no user is known
  std::string local, extension, domain;
  std::string recipient, original_recipient, sender;
};

// The whole environment: `exported`, PATH, and what is known of recipient, sender and client. Values are filtered with
// command_expansion_filter.
[[nodiscard]] std::vector<std::string> command_environment(const std::vector<std::string>& exported,
                                                           const CommandContext& context,
                                                           const ipc::DeliveryRequest& request, std::string_view allowed);

}  // namespace local
