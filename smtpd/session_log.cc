// What the log hears of a session: what is refused, and how it ended.

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/logged_address.h"
#include "smtpd/session.h"
#include "smtpd/shown.h"

namespace smtpd {

Reply Session::refuse(Reply reply) {
  if (params().soft_bounce) reply = reply.softened();
  was_refused_ = true;
  if (reply.is_silent()) {
    log_action("hangup", where_, ascii::printable(reply.words()));
    return reply;
  }
  const std::string text = reply.text();
  log_action("reject", where_, params().smtputf8_enable ? text : without_utf8(text, ' '));
  return reply;
}

void Session::log_milter(std::string_view action, std::string_view text) {
  if (action == "reject") was_refused_ = true;
  const std::string login = login_ ? fmt::format(" sasl_username=<{}>", login_->username) : std::string();
  log_line(fmt::format("milter-{}", action), where_, text, login);
}

void Session::log_action(std::string_view action, std::string_view where, std::string_view text) const {
  log_line(action, where, text, log_login());
}

void Session::log_line(std::string_view action, std::string_view where, std::string_view text, std::string_view login) const {
  const std::string_view to = !recipient_.empty() ? std::string_view(recipient_)
                              : transaction_      ? transaction_->only_recipient()
                                                  : std::string_view();
  maillog::info("{}: {}: {} from {}: {};{}{}", log_id(), action, where, client_.name_and_address, text, log_details(to), login);
}

std::string Session::log_details(std::string_view to) const {
  std::string details;
  if (transaction_) details += fmt::format(" from=<{}>", mail::logged_address(transaction_->sender()));
  if (!to.empty()) details += fmt::format(" to=<{}>", mail::logged_address(to));
  if (!params().smtputf8_enable) details = without_utf8(std::move(details), '?');
  details += fmt::format(" proto={}", protocol());
  if (has_helo()) details += fmt::format(" helo=<{}>", helo_);
  return details;
}

std::string Session::log_login() const {
  std::string login;
  if (login_) login += fmt::format(" sasl_method={} sasl_username={}", login_->method, login_->username);
  if (const std::string_view sender = sasl_sender(); !sender.empty()) login += fmt::format(" sasl_sender={}", sender);
  return login;
}

std::string_view Session::log_id() const {
  return transaction_ && !transaction_->queue_id().empty() ? transaction_->queue_id() : std::string_view("NOQUEUE");
}

void Session::log_end() {
  if (phase_ == Phase::chunks && !content_bytes_) content_bytes_ = transaction_->chunks().size();
  const std::string bytes = content_bytes_ ? fmt::format(" ({} bytes)", *content_bytes_) : std::string();
  switch (ending_) {
    case Ending::none:
    case Ending::quit:
    case Ending::refused: break;
    case Ending::lost_connection:
      // After a message there is nothing to lose: a client that does not say QUIT is only impolite.
      if (where_ == end_of_message) break;
      maillog::info("{}: lost connection after {}{} from {}", log_id(), where_, bytes, client_.name_and_address);
      break;
    case Ending::timeout:
      maillog::info("{}: timeout after {}{} from {}", log_id(), where_, bytes, client_.name_and_address);
      break;
    case Ending::too_many_errors:
      maillog::info("{}: too many errors after {} from {}", log_id(), where_, client_.name_and_address);
      break;
    case Ending::line_too_long:
      maillog::info("{}: endless command line after {} from {}", log_id(), where_, client_.name_and_address);
      break;
  }
}

}  // namespace smtpd
