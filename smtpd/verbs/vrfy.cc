// VRFY (RFC 5321 section 4.1.1.6): would RCPT take this address?

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {

std::optional<Reply> vrfy(Session& s, const Command& command) {
  if (s.params().disable_vrfy_command) return Reply(502, "5.5.1 VRFY command is disabled");
  const auto words = command.words();
  // RFC 6531 section 3.7.4.2.
  std::string_view text = command.rest;
  bool declared = false;
  if (words.size() > 1 && s.announced().smtputf8 && ascii::equal_ignoring_case(words.back(), "SMTPUTF8")) {
    text = ascii::trim(text.substr(0, text.size() - words.back().size()));
    declared = true;
  }
  if (text.empty()) return Reply(501, "5.5.4 Syntax: VRFY address [SMTPUTF8]");
  const auto address = take_path(s, PathOf::vrfy, text, declared);
  if (!address) return Reply(501, "5.1.3 Bad recipient address syntax");
  if (auto refusal = s.undeclared_utf8(*address, declared)) return refusal;
  s.set_recipient(*address);
  policy::Subject subject = s.subject(*address);
  // The question does not belong to a message that is under way.
  subject.has_sender = false;
  subject.sender = subject.queue_id = subject.instance = subject.sasl_sender = {};
  subject.recipients = 0;
  subject.size = 0;
  subject.message = nullptr;
  const policy::Verdict verdict = s.policy().recipient(subject, s.asker());
  std::optional<Reply> refusal;
  if (verdict.refuses()) refusal = s.refuse(verdict.reply());
  s.set_recipient({});
  if (refusal) return refusal;
  return Reply(252, fmt::format("2.0.0 {}", text));
}

}  // namespace smtpd
