#include "smtp/handshake.h"

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace smtp {
namespace {

constexpr int smtp_port = 25;  // elsewhere our own name is no sign of a loop

bool is_own_name(const Connection& connection, const Params& params, std::string_view name) {
  return connection.protocol() == Protocol::smtp && connection.peer().port == smtp_port && ascii::equal_ignoring_case(name, params.myhostname);
}

Step<void> greeting(Connection& connection, const Params& params, bool& says_esmtp) {
  Step<ServerReply> reply = connection.reply("receiving the initial server greeting", params.smtp_helo_timeout);
  if (!reply) return std::unexpected(std::move(reply.error()));
  if (!reply->is_positive()) {
    if (reply->is_permanent() && params.smtp_skip_5xx_greeting) reply->dsn = reply->dsn.with_class(4);
    return std::unexpected(endings::refused(connection.peer(), *reply));
  }
  if (is_own_name(connection, params, first_word(*reply))) {
    maillog::warning("host {} greeted me with my own hostname {}", connection.peer().relay(), params.myhostname);
  }
  for (const std::string_view word : ascii::split(reply->text, " \t")) {
    says_esmtp = says_esmtp || ascii::equal_ignoring_case(word, "ESMTP");
  }
  return {};
}

// The server has offered what it can.
void take_features(Connection& connection, const ServerReply& reply, const std::set<std::string, std::less<>>& discard) {
  connection.features = parse_ehlo(reply, discard);
  if (const std::string text = discarded_text(discard); !text.empty()) maillog::info("discarding EHLO keywords: {}", text);
}

Step<void> say_lhlo(Connection& connection, const Params& params, const std::set<std::string, std::less<>>& discard) {
  const auto reply = connection.ask("LHLO " + params.smtp_helo_name, "performing the LHLO handshake", params.smtp_helo_timeout);
  if (!reply) return std::unexpected(reply.error());
  if (!reply->is_positive()) return std::unexpected(endings::refused(connection.peer(), *reply));
  take_features(connection, *reply, discard);
  return {};
}

}  // namespace

Step<void> shake_hands(Connection& connection, const Params& params, const std::set<std::string, std::less<>>& discard,
                       std::string_view destination) {
  bool says_esmtp = false;
  if (Step<void> greeted = greeting(connection, params, says_esmtp); !greeted) return greeted;
  if (connection.protocol() == Protocol::lmtp) return say_lhlo(connection, params, discard);
  const bool tries_ehlo = !params.smtp_never_send_ehlo && (params.smtp_always_send_ehlo || says_esmtp);
  bool is_welcome = false;
  if (tries_ehlo) {
    const auto reply = connection.ask("EHLO " + params.smtp_helo_name, "performing the EHLO handshake", params.smtp_helo_timeout);
    if (!reply) return std::unexpected(reply.error());
    is_welcome = reply->is_positive();
    if (is_welcome) take_features(connection, *reply, discard);
    if (connection.is_leaving()) return std::unexpected(endings::refused(connection.peer(), *reply));
  }
  if (!is_welcome) {
    const auto reply = connection.ask("HELO " + params.smtp_helo_name, "performing the HELO handshake", params.smtp_helo_timeout);
    if (!reply) return std::unexpected(reply.error());
    if (!reply->is_positive()) return std::unexpected(endings::refused(connection.peer(), *reply));
    connection.features = Features{.name = first_word(*reply)};
  }
  if (is_own_name(connection, params, connection.features.name)) {
    maillog::warning("host {} replied to HELO/EHLO with my own hostname {}", connection.peer().relay(), params.myhostname);
    return std::unexpected(endings::at(connection.peer(), {5, 4, 6}, fmt::format("mail for {} loops back to myself", destination)));
  }
  return {};
}

}  // namespace smtp
