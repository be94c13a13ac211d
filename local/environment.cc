#include "local/environment.h"

#include <cstdlib>
#include <utility>

#include "lib/mail/address.h"
#include "lib/maps/list.h"
#include "local/macros.h"

namespace local {
namespace {

constexpr std::string_view command_path = "PATH=/usr/bin:/bin";

}  // namespace

std::vector<std::string> exported_environment(std::string_view export_environment) {
  std::vector<std::string> out;
  for (std::string_view item : maps::split_list(export_environment)) {
    if (const auto inner = maps::without_braces(item); item.starts_with('{') && inner) item = *inner;
    if (item.contains('=')) {
      out.emplace_back(item);
    } else if (const char* value = std::getenv(std::string(item).c_str())) {
      out.push_back(std::string(item) + "=" + value);
    }
  }
  return out;
}

std::vector<std::string> command_environment(const std::vector<std::string>& exported, const CommandContext& context,
                                             const ipc::DeliveryRequest& request, std::string_view allowed) {
  std::vector<std::string> out = exported;
  bool has_path = false;
  for (const std::string& entry : exported) has_path = has_path || entry.starts_with("PATH=");
  if (!has_path) out.emplace_back(command_path);
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
