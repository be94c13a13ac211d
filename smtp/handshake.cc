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

// What the greeting tells.
struct Greeted {
  bool says_esmtp = false;
  bool is_pix = false;
};

Step<Greeted> greeting(Connection& connection, const Params& params) {
  Step<ServerReply> reply = connection.reply("receiving the initial server greeting", params.smtp_helo_timeout);
  if (!reply) return std::unexpected(std::move(reply.error()));
  if (!reply->is_positive()) {
    if (reply->is_permanent() && params.smtp_skip_5xx_greeting) reply->dsn = reply->dsn.with_class(4);
    return std::unexpected(endings::refused(connection.peer(), *reply));
  }
  if (is_own_name(connection, params, first_word(*reply))) {
    maillog::warning("host {} greeted me with my own hostname {}", connection.peer().relay(), params.myhostname);
  }
  Greeted greeted{.is_pix = is_greeting_of_pix(*reply)};
  for (const std::string_view word : ascii::split(reply->text, " \t")) {
    greeted.says_esmtp = greeted.says_esmtp || ascii::equal_ignoring_case(word, "ESMTP");
  }
  return greeted;
}

// The server has offered what it can.
void take_features(Connection& connection, const ServerReply& reply, const std::set<std::string, std::less<>>& discard) {
  connection.features = parse_ehlo(reply, discard);
  if (const std::string text = discarded_text(discard); !text.empty()) maillog::info("discarding EHLO keywords: {}", text);
}

// As it came.
std::string raw_text(const ServerReply& reply) {
  std::string text;
  for (std::size_t i = 0; i < reply.lines.size(); ++i) {
    const bool is_last = i + 1 == reply.lines.size();
    text += fmt::format("{}{}{}{}", reply.code, is_last ? ' ' : '-', reply.lines[i], is_last ? "" : "\r\n");
  }
  return text;
}

// EHLO, or LHLO in LMTP. False: the server does not understand EHLO.
Step<bool> say_ehlo(Connection& connection, const Handshake& handshake) {
  const bool is_lmtp = connection.protocol() == Protocol::lmtp;
  const std::string_view verb = is_lmtp ? "LHLO" : "EHLO";
  const auto reply = connection.ask(fmt::format("{} {}", verb, handshake.params.smtp_helo_name), fmt::format("performing the {} handshake", verb),
                                    handshake.params.smtp_helo_timeout);
  if (!reply) return std::unexpected(reply.error());
  if (reply->is_positive()) take_features(connection, *reply, handshake.discard);
  if (handshake.tls.report != nullptr && handshake.tls.ehlo.empty()) handshake.tls.ehlo = raw_text(*reply);
  const bool is_refused = connection.is_leaving() || (is_lmtp && !reply->is_positive());
  if (is_refused) return std::unexpected(endings::refused(connection.peer(), *reply));
  return reply->is_positive();
}

Step<void> say_helo(Connection& connection, const Handshake& handshake) {
  const auto reply = connection.ask("HELO " + handshake.params.smtp_helo_name, "performing the HELO handshake", handshake.params.smtp_helo_timeout);
  if (!reply) return std::unexpected(reply.error());
  if (!reply->is_positive()) return std::unexpected(endings::refused(connection.peer(), *reply));
  connection.features = Features{.name = first_word(*reply)};
  return {};
}

Step<void> introduce(Connection& connection, const Handshake& handshake, bool tries_ehlo) {
  bool is_welcome = false;
  if (tries_ehlo) {
    const Step<bool> understood = say_ehlo(connection, handshake);
    if (!understood) return std::unexpected(understood.error());
    is_welcome = *understood;
  }
  return is_welcome ? Step<void>{} : say_helo(connection, handshake);
}

}  // namespace

Step<void> shake_hands(Connection& connection, const Handshake& handshake) {
  const Params& params = handshake.params;
  if (handshake.tls.is_wrapped) {
    if (const auto begun = begin_tls(connection, handshake.tls); !begun) return begun;
  }
  const Step<Greeted> greeted = greeting(connection, params);
  if (!greeted) return std::unexpected(greeted.error());
  const PixWorkarounds workarounds = greeted->is_pix ? handshake.workarounds() : PixWorkarounds{};
  connection.delays_dot = workarounds.delay_dotcrlf;
  const bool is_lmtp = connection.protocol() == Protocol::lmtp;
  const bool tries_ehlo =
      is_lmtp || (!params.smtp_never_send_ehlo && !workarounds.disable_esmtp && (params.smtp_always_send_ehlo || greeted->says_esmtp));
  if (const auto introduced = introduce(connection, handshake, tries_ehlo); !introduced) return introduced;
  if (!handshake.tls.is_wrapped) {
    const Step<bool> secured = secure(connection, handshake.tls);
    if (!secured) return std::unexpected(secured.error());
    // What was said in plaintext is forgotten (RFC 3207 section 4.2).
    connection.features = *secured ? Features{} : connection.features;
    if (*secured) {
      if (const auto introduced = introduce(connection, handshake, true); !introduced) return introduced;
    }
  }
  if (const auto quiet = look_for_early_replies(connection, handshake.tls); !quiet) return quiet;
  keep_session(handshake.tls);
  if (is_own_name(connection, params, connection.features.name)) {
    maillog::warning("host {} replied to HELO/EHLO with my own hostname {}", connection.peer().relay(), params.myhostname);
    return std::unexpected(endings::at(connection.peer(), {5, 4, 6}, fmt::format("mail for {} loops back to myself", handshake.destination)));
  }
  const Step<bool> require_tls = ask_require_tls(connection, handshake.tls);
  if (!require_tls) return std::unexpected(require_tls.error());
  using Require = Connection::Require;
  const bool is_wanted = handshake.tls.require != RequireTls::not_asked;
  connection.require_tls = *require_tls ? Require::asked : is_wanted ? Require::left_out : Require::not_wanted;
  return log_in(connection, handshake.sasl);
}

}  // namespace smtp
