// Restrictions that look at where the recipient's mail goes: the guards against relaying for strangers.

#include <fmt/format.h>

#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

// Mail for the recipient ends here, or at a domain that we relay for, without a further hop that the sender chose.
bool is_authorised(const Question& question, const ipc::AddressAnswer& answer) {
  if (answer.has_routing && !question.policy.params().allow_untrusted_routing) return false;
  return answer.address_class != ipc::AddressClass::other;
}

// permit, or what `otherwise` makes of a recipient for whom we do not relay.
template <class Otherwise>
Verdict by_destination(const Question& question, Verdict authorised, Otherwise&& otherwise) {
  if (question.subject.recipient.empty()) return Verdict::dunno();
  const auto answer = question.policy.resolve(question.subject.sender, question.subject.recipient);
  if (!answer) return question.policy.lookup_failed(question, answer.error());
  if (answer->status == ipc::ResolveStatus::fail) return Verdict::insist(question.policy.temporary_failure(question));
  return is_authorised(question, *answer) ? std::move(authorised) : otherwise();
}

Verdict relay_denied(const Question& question, int code) {
  return Verdict::refuse(Reply(code, fmt::format("{} <{}>: Relay access denied", dsn_for(code, "5.7.1"), question.subject.recipient)));
}

}  // namespace

Verdict permit_auth_destination(const Question& question) {
  return by_destination(question, Verdict::permit(), [] { return Verdict::dunno(); });
}

Verdict reject_unauth_destination(const Question& question) {
  return by_destination(question, Verdict::dunno(), [&] {
    return relay_denied(question, question.policy.params().relay_domains_reject_code);
  });
}

// The same refusal, for now: a mistake in the configuration does not lose mail.
Verdict defer_unauth_destination(const Question& question) {
  return by_destination(question, Verdict::dunno(), [&] {
    constexpr int permanent_to_temporary = 100;
    const int code = question.policy.params().relay_domains_reject_code;
    return relay_denied(question, code >= 500 ? code - permanent_to_temporary : code);
  });
}

}  // namespace smtpd::policy
