// Restrictions that look at who the client is.

#include "lib/log/log.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {

Verdict permit_mynetworks(const Question& question) {
  const Client& client = question.subject.client;
  if (!client.is_ip) return Verdict::dunno();
  const auto is_mine = question.policy.tables().mynetworks.matches(client.address);
  if (!is_mine) return question.policy.lookup_failed(question, is_mine.error());
  return *is_mine ? Verdict::permit() : Verdict::dunno();
}

// Nobody can authenticate yet.
Verdict permit_sasl_authenticated(const Question&) { return Verdict::dunno(); }

}  // namespace smtpd::policy
