// Restrictions that look whether a sender address belongs to who has logged in (smtpd_sender_login_maps).

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

// The logins that own the sender address; none when nobody does. By the address as the tables of recipients have it.
Result<maps::Found> owners_of(const Question& question) {
  const Policy& policy = question.policy;
  const auto answer = TRY(question.policy.resolve(question.subject.sender, question.subject.sender));
  if (answer.status == ipc::ResolveStatus::fail) return base::fail("address resolution failed");
  const bool is_local = answer.address_class == ipc::AddressClass::local;
  return policy.find_address(policy.tables().sender_logins, answer.address, is_local);
}

bool is_among(std::string_view login, std::string_view owners) {
  return std::ranges::any_of(ascii::split(owners, ", \t\r\n"),
                             [&](std::string_view owner) { return ascii::equal_ignoring_case(owner, login); });
}

Verdict refuse(const Question& question, std::string_view why) { return Verdict::refuse(refusal(question, 553, "5.7.1", why)); }

Verdict not_owned(const Question& question) {
  return refuse(question, fmt::format("not owned by user {}", question.subject.sasl_username));
}

bool is_asked(const Question& question, std::string_view name) {
  if (question.policy.lists().offers_sasl) return !question.subject.sender.empty();
  maillog::warning("restriction `{}' ignored: no SASL support", name);
  return false;
}

}  // namespace

// Who has logged in sends under addresses of his own only.
Verdict reject_authenticated_sender_login_mismatch(const Question& question) {
  if (!is_asked(question, "reject_authenticated_sender_login_mismatch") || question.subject.sasl_username.empty()) return Verdict::dunno();
  const Question about = about_sender(question);
  const auto owners = owners_of(question);
  if (!owners) return question.policy.lookup_failed(about, owners.error());
  const bool is_own = *owners && is_among(question.subject.sasl_username, **owners);
  return is_own ? Verdict::dunno() : not_owned(about);
}

// Who has not logged in sends under addresses of nobody.
Verdict reject_unauthenticated_sender_login_mismatch(const Question& question) {
  if (!is_asked(question, "reject_unauthenticated_sender_login_mismatch") || !question.subject.sasl_username.empty()) return Verdict::dunno();
  const Question about = about_sender(question);
  const auto owners = owners_of(question);
  if (!owners) return question.policy.lookup_failed(about, owners.error());
  return *owners ? refuse(about, "not logged in") : Verdict::dunno();
}

// An address that belongs to somebody is his alone.
Verdict reject_known_sender_login_mismatch(const Question& question) {
  if (!is_asked(question, "reject_known_sender_login_mismatch")) return Verdict::dunno();
  const Question about = about_sender(question);
  const auto owners = owners_of(question);
  if (!owners) return question.policy.lookup_failed(about, owners.error());
  if (!*owners) return Verdict::dunno();
  if (question.subject.sasl_username.empty()) return refuse(about, "not logged in");
  return is_among(question.subject.sasl_username, **owners) ? Verdict::dunno() : not_owned(about);
}

Verdict reject_sender_login_mismatch(const Question& question) {
  Verdict verdict = reject_authenticated_sender_login_mismatch(question);
  return verdict.is_dunno() ? reject_unauthenticated_sender_login_mismatch(question) : verdict;
}

}  // namespace smtpd::policy
