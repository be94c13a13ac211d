#pragma once
// $name, ${name} and $(name) in the arguments of a command: what is known of message and recipient. Unlike in main.cf there
// are no conditions. What a name stands for never becomes more than a part of one argument.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/ipc/messages/delivery.h"
#include "lib/mail/address.h"
#include "pipe/attributes.h"

namespace pipe_agent {

// How values are written.
struct ArgumentRules {
  Flags flags;
  std::string null_sender;
  mail::Delimiters delimiters;
  std::string service;                 // for the Error
};

// An argument that speaks of the recipient (by $recipient, $user and the like) comes once for each recipient; an argument
// that stands for nothing is an empty one. The Error quotes what is not understood.
[[nodiscard]] Result<std::vector<std::string>> expand_arguments(const std::vector<std::string>& arguments,
                                                                const ipc::DeliveryRequest& request,
                                                                const std::vector<const ipc::DeliveryRecipient*>& recipients,
                                                                const ArgumentRules& rules);

// The sender as commands and headings see it: what stands for the null sender, or the address, not quoted.
[[nodiscard]] const std::string& shown_sender(const ipc::DeliveryRequest& request, const std::string& null_sender);

}  // namespace pipe_agent
