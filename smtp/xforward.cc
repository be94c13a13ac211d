#include "smtp/xforward.h"

#include <span>

#include <fmt/format.h>

#include "lib/log/log.h"
#include "lib/mail/address.h"

namespace smtp {
namespace {

struct Attribute {
  std::string_view name;
  std::string_view value;
};

// One command with those that are known and wanted; they go in two, since a line is short.
Step<void> send(Connection& connection, std::span<const Attribute> attributes, std::string_view what, std::chrono::seconds timeout) {
  std::string line = "XFORWARD";
  const std::size_t empty = line.size();
  for (const auto& [name, value] : attributes) {
    if (!value.empty() && connection.features.xforward.contains(name)) line += fmt::format(" {}={}", name, mail::encode_xtext(value));
  }
  if (line.size() == empty) return {};
  const auto reply = connection.ask(line, fmt::format("sending XFORWARD {}", what), timeout);
  if (!reply) return std::unexpected(reply.error());
  if (!reply->is_positive()) {
    maillog::warning("host {} said: {} (in reply to XFORWARD {} command)", connection.peer().relay(), reply->text, what);
  }
  return {};
}

}  // namespace

Step<void> send_xforward(Connection& connection, const ipc::DeliveryRequest& request, const Params& params) {
  if (!params.smtp_send_xforward_command || connection.features.xforward.empty()) return {};
  const Attribute client[] = {{"NAME", request.client_name}, {"ADDR", request.client_address}, {"PORT", request.client_port}};
  if (Step<void> sent = send(connection, client, "name/address", params.smtp_xforward_timeout); !sent) return sent;
  const Attribute session[] = {{"PROTO", request.client_proto},
                               {"HELO", request.client_helo},
                               {"IDENT", request.log_ident},
                               {"SOURCE", request.rewrite_context == "remote" ? "REMOTE" : "LOCAL"}};
  return send(connection, session, "helo/protocol", params.smtp_xforward_timeout);
}

}  // namespace smtp
