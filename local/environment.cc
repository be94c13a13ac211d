#include "local/environment.h"

#include <utility>

#include "lib/mail/address.h"
#include "lib/mailbox/environment.h"
#include "local/macros.h"

namespace local {

std::vector<std::string> command_environment(const std::vector<std::string>& exported, const CommandContext& context,
                                             const ipc::DeliveryRequest& request, std::string_view allowed) {
  std::vector<std::string> out = mailbox::with_path(exported);
  const std::pair<std::string_view, std::string> values[] = {
      {"USER", context.user},
      {"LOGNAME", context.user},
      {"HOME", context.home},
      {"SHELL", context.shell},
      {"LOCAL", context.local},
      {"EXTENSION", context.extension},
      {"DOMAIN", context.domain},
      {"RECIPIENT", mail::to_external(context.recipient)},
      {"ORIGINAL_RECIPIENT", mail::to_external(context.original_recipient)},
      {"ENVID", request.dsn_envid},
      {"CLIENT_HOSTNAME", request.client_name},
      {"CLIENT_ADDRESS", request.client_address},
      {"CLIENT_HELO", request.client_helo},
      {"CLIENT_PROTOCOL", request.client_proto},
      {"SASL_METHOD", request.sasl_method},
      {"SASL_SENDER", request.sasl_sender},
      {"SASL_USERNAME", request.sasl_username},
  };
  for (const auto& [name, value] : values) {
    if (!value.empty()) out.push_back(std::string(name) + "=" + filtered(value, allowed));
  }
  // The null sender is exported too.
  out.push_back("SENDER=" + filtered(mail::to_external(context.sender), allowed));
  return out;
}

}  // namespace local
