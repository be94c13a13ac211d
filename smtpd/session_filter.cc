// The session's part where a content filter stands in front of the queue (smtpd_proxy_filter).

#include <ranges>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/logged_address.h"
#include "smtpd/filter_intake.h"
#include "smtpd/session.h"

namespace smtpd {

namespace {

// A filter has no TLS, and need not know of REQUIRETLS: it has a field of the header in place of that.
std::string without_require_tls(const Transaction& message) {
  std::string command = message.command();
  if (!message.parameters().require_tls) return command;
  const auto words = ascii::split(command, " \t");
  for (const std::string_view word : std::views::reverse(words)) {
    if (!ascii::equal_ignoring_case(word, "REQUIRETLS")) continue;
    const auto at = static_cast<std::size_t>(word.data() - command.data());
    const std::size_t before = command.find_last_not_of(" \t", at - 1) + 1;
    return command.erase(before, at + word.size() - before);
  }
  return command;
}

}  // namespace

bool Session::is_filtered() const { return snapshot_.filter && !server_.is_stand_alone(); }

std::optional<Reply> Session::open_filtered() {
  Transaction& message = transaction();
  const Origin from = origin();
  const auto known = [](std::string_view name) { return name == Client::unknown ? std::string() : std::string(name); };
  const LoggedClient& logged = from.logged;
  auto intake = std::make_unique<FilterIntake>(*snapshot_.filter, FilteredClient{.name = known(logged.name),
                                                                                 .address = known(logged.address),
                                                                                 .port = known(logged.port),
                                                                                 .helo = logged.helo,
                                                                                 .ident = std::string(from.ident),
                                                                                 .protocol = known(logged.protocol),
                                                                                 .source = ascii::uppercase(from.rewrite_context)});
  if (auto refusal = intake->begin()) return refusal;
  if (auto refusal = intake->pass_on(without_require_tls(message), Wanted::taken)) return refusal;
  message.open(std::move(intake), from, snapshot_.filter->timeout, static_cast<std::size_t>(params().line_length_limit));
  return std::nullopt;
}

void Session::log_filtered(const Reply& reply) const {
  maillog::info("proxy-{}: {}: {};{}", reply.is_error() ? "reject" : "accept", end_of_message, whole_text(reply),
                log_details(transaction_ ? transaction_->first_recipient() : std::string_view()) + log_login());
}

}  // namespace smtpd
