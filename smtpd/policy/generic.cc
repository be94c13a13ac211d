// Restrictions that look at nothing, and classes of the site's own.

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "smtpd/policy/asking.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {

Verdict permit(const Question&) { return Verdict::permit(); }

Verdict reject(const Question& question) {
  return Verdict::refuse(refusal(question, question.policy.params().reject_code, "5.7.1", "Access denied"));
}

Verdict defer(const Question& question) {
  return Verdict::refuse(refusal(question, question.policy.params().defer_code, "4.3.2", "Try again later"));
}

Verdict defer_if_permit(const Question& question) {
  return question.asking.unsure(Asking::Tempfail::defer_if_permit, refusal(question, 450, "4.7.0", "defer_if_permit requested"));
}

Verdict defer_if_reject(const Question& question) {
  return question.asking.unsure_of_permit(refusal(question, 450, "4.7.0", "defer_if_reject requested"));
}

// For as long as the client lets us.
Verdict sleep(const Question& question) {
  constexpr std::uint64_t seconds_limit = 3600;
  const std::uint64_t seconds = std::min(ascii::parse_number(question.item.argument).value_or(0), seconds_limit);
  if (seconds > 0) event::sleep_until(base::after(std::chrono::seconds(seconds)));
  return Verdict::dunno();
}

Verdict ask_class(const Question& question) {
  const Restrictions* const list = question.policy.lists().find_class(question.item.name);
  if (list != nullptr) {
    if (auto verdict = question.asking.ask_nested(Asking::Nested::of_class, *list, question.about)) return std::move(*verdict);
  }
  maillog::warning("restriction class {} causes unreasonable recursion", question.item.name);
  return Verdict::insist(server_configuration_error());
}

}  // namespace smtpd::policy
