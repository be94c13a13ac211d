// RCPT TO (RFC 5321 section 4.1.1.3): one recipient. The message is opened at cleanup with the first one accepted.

#include "lib/log/log.h"
#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {
namespace {

// RFC 5321 section 4.5.3.1.10: what is beyond the limit is refused for now; beyond the overshoot it is a mistake.
std::optional<Reply> too_many(Session& s) {
  const Params& params = s.params();
  if (s.transaction().recipients() < static_cast<std::size_t>(params.smtpd_recipient_limit)) return std::nullopt;
  if (s.transaction().count_overshoot() <= static_cast<std::size_t>(params.smtpd_recipient_overshoot_limit)) {
    s.forgive_overshoot();
  }
  return Reply(452, "4.5.3 Error: too many recipients");
}

}  // namespace

std::optional<Reply> rcpt_to(Session& s, const Command& command) {
  const PathArgument argument = PathArgument::parse(command.rest, "TO:");
  switch (argument.form) {
    case PathArgument::Form::ok: break;
    case PathArgument::Form::missing: return Reply(501, "5.5.4 Syntax: RCPT TO:<address>");
    case PathArgument::Form::unbalanced: return Reply(501, "5.1.3 Bad recipient address syntax");
  }
  const auto recipient = take_path(s, PathOf::rcpt, argument.path, s.transaction().parameters().smtputf8);
  if (!recipient) return Reply(501, "5.1.3 Bad recipient address syntax");
  const auto parameters = parse_rcpt_parameters(argument.parameters, s.announced());
  if (!parameters) {
    if (const auto unknown = find_unknown_notify(argument.parameters); unknown && s.announced().dsn) {
      maillog::warning("unknown DSN NOTIFY command value \"{}\" in \"{}\"", unknown->word, unknown->value);
    }
    return parameters.error();
  }

  if (auto refusal = s.undeclared_utf8(*recipient, s.transaction().parameters().smtputf8)) return refusal;
  if (auto refusal = s.limits().recipient()) return refusal;
  if (auto refusal = too_many(s)) return refusal;

  s.set_recipient(*recipient);
  const policy::Verdict verdict = s.policy().recipient(s.subject(*recipient), s.asker());
  std::optional<Reply> refusal;
  if (verdict.refuses()) {
    refusal = s.refuse(verdict.reply());
    s.milters().rejected_rcpt(argument.path, argument.parameters, *refusal);
  } else {
    refusal = s.milters().rcpt(*recipient, argument.path, argument.parameters);
    if (!refusal) refusal = s.open_message();
    if (!refusal) refusal = s.transaction().pass_on(command.line, Wanted::taken);
  }
  s.set_recipient({});
  if (refusal) return refusal;

  s.transaction().add_recipient(*recipient, *parameters);
  s.enter(Phase::rcpt);
  return Reply(250, "2.1.5 Ok");
}

}  // namespace smtpd
