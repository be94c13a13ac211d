// Restrictions that look at nothing.

#include "smtpd/policy/policy.h"

namespace smtpd::policy {

Verdict permit(const Question&) { return Verdict::permit(); }

Verdict reject(const Question& question) {
  return Verdict::refuse(refusal(question, question.policy.params().reject_code, "5.7.1", "Access denied"));
}

Verdict defer(const Question& question) {
  return Verdict::refuse(refusal(question, question.policy.params().defer_code, "4.3.2", "Try again later"));
}

}  // namespace smtpd::policy
