// Restrictions that look at how the client behaves in the session.

#include "smtpd/policy/policy.h"

namespace smtpd::policy {

Verdict reject_unauth_pipelining(const Question& question) {
  if (!question.subject.has_pipelined) return Verdict::dunno();
  return Verdict::refuse(refusal(question, 503, "5.5.0", "Improper use of SMTP command pipelining"));
}

Verdict reject_plaintext_session(const Question& question) {
  if (question.subject.tls != nullptr) return Verdict::dunno();
  const int code = question.policy.params().plaintext_reject_code;
  return Verdict::refuse(Reply(code, dsn_for(code, "5.7.1") + " Session encryption is required"));
}

// A notice goes to one recipient. The one that is being asked about counts.
Verdict reject_multi_recipient_bounce(const Question& question) {
  const Subject& subject = question.subject;
  const bool asks_recipient = subject.where == "RCPT";
  const std::size_t recipients = subject.recipients + (asks_recipient ? 1 : 0);
  if (!subject.has_sender || !subject.sender.empty() || recipients < 2) return Verdict::dunno();
  return Verdict::refuse(refusal(question, question.policy.params().multi_recipient_bounce_reject_code, "5.5.3", "Multi-recipient bounce"));
}

}  // namespace smtpd::policy
