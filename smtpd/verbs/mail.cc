// MAIL FROM (RFC 5321 section 4.1.1.2): begins a transaction.

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "smtpd/session.h"
#include "smtpd/space.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {

std::optional<Reply> mail_from(Session& s, const Command& command) {
  const Params& params = s.params();
  const PathArgument argument = PathArgument::parse(command.rest, "FROM:");
  switch (argument.form) {
    case PathArgument::Form::ok: break;
    case PathArgument::Form::missing: return Reply(501, "5.5.4 Syntax: MAIL FROM:<address>");
    case PathArgument::Form::unbalanced: return Reply(501, "5.1.7 Bad sender address syntax");
  }
  auto parameters = parse_mail_parameters(argument.parameters, s.announced());
  auto sender = take_path(s, PathOf::mail, argument.path, !parameters || parameters->smtputf8);
  if (!sender) return Reply(501, "5.1.7 Bad sender address syntax");
  if (!parameters) return parameters.error();
  if (sender->empty() && !parameters->verp.empty()) return Reply(503, "5.5.4 Error: XVERP requires non-null sender");

  if (auto refusal = s.undeclared_utf8(*sender, parameters->smtputf8)) return refusal;
  if (auto refusal = s.limits().message()) return refusal;
  const std::uint64_t size = parameters->size;
  const bool is_too_large = params.message_size_limit > 0 && size > static_cast<std::uint64_t>(params.message_size_limit);
  if (const auto missing = missing_queue_space(params.queue_minfree, params.message_size_limit, size); missing && !is_too_large) {
    Reply refusal = s.refuse(Reply(452, "4.3.1 Insufficient system storage"));  // no message has begun: the line names no sender
    maillog::warning("{}", *missing);
    return refusal;
  }
  s.begin(std::make_unique<Transaction>(std::move(*sender), std::move(*parameters), s.server().clock().stamp()));
  if (s.is_filtered()) s.transaction().keep_command(command.line);
  const auto give_up = [&](Reply reply) {
    Reply refusal = s.refuse(std::move(reply));
    s.reset();
    return refusal;
  };
  if (is_too_large) {
    return give_up(Reply(552, "5.3.4 Message size exceeds fixed limit"));
  }
  if (const policy::Verdict verdict = s.policy().sender(s.subject(), s.asker()); verdict.refuses()) {
    return give_up(verdict.reply());
  }
  if (auto refusal = s.milters().mail(argument.path, argument.parameters)) {
    s.reset();
    return refusal;
  }
  if (!params.smtpd_delay_open_until_valid_rcpt) {
    if (auto refusal = s.open_message()) {
      s.reset();
      return refusal;
    }
  }
  return Reply(250, "2.1.0 Ok");
}

}  // namespace smtpd
