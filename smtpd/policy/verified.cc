// Restrictions that ask verify(8) whether mail for an address could be delivered.

#include <fmt/format.h>

#include "lib/event/loop.h"
#include "lib/ipc/messages/verify.h"
#include "lib/log/log.h"
#include "smtpd/policy/asking.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

struct Words {
  std::string_view dsn;
  int Params::*reject_code;
  int Params::*defer_code;
  std::string Params::*reason;             // in place of verify's, if it is set
  Asking::Tempfail Lists::*tempfail;
};
constexpr Words of_sender{"4.1.7", &Params::unverified_sender_reject_code, &Params::unverified_sender_defer_code,
                          &Params::unverified_sender_reject_reason, &Lists::unverified_sender_tempfail};
constexpr Words of_recipient{"4.1.1", &Params::unverified_recipient_reject_code, &Params::unverified_recipient_defer_code,
                             &Params::unverified_recipient_reject_reason, &Lists::unverified_recipient_tempfail};

// Waits for a probe, for as long as a client may be kept waiting for it.
Result<ipc::VerifyAnswer> ask_verify(Policy& policy, std::string_view address) {
  const Params& params = policy.params();
  for (int count = 1;; ++count) {
    ipc::VerifyAnswer answer = TRY(policy.verify(address));
    if (!answer.ok) return base::fail(fmt::format("{} service failure", params.address_verify_service_name));
    if (answer.state != ipc::VerifyState::todo || count >= params.address_verify_poll_count) return answer;
    event::sleep_until(base::after(params.address_verify_poll_delay));
  }
}

Verdict require_deliverable(const Question& question, std::string_view address, const Words& words) {
  const Params& params = question.policy.params();
  const auto refuse = [&](int code, const std::string& reason) {
    const std::string& said = (params.*words.reason).empty() ? reason : params.*words.reason;
    return refusal(question, code, words.dsn, fmt::format("{} address: {}", code >= 500 ? "undeliverable" : "unverified", said));
  };
  const auto answer = ask_verify(question.policy, address);
  if (!answer) {
    maillog::warning("{}", answer.error().message());
    return question.asking.unsure(question.policy.lists().*words.tempfail, refuse(params.*words.defer_code, "Address verification problem"));
  }
  switch (answer->state) {
    case ipc::VerifyState::deliverable: return Verdict::dunno();
    case ipc::VerifyState::undeliverable: return Verdict::refuse(refuse(params.*words.reject_code, answer->reason));
    case ipc::VerifyState::deferred:
    case ipc::VerifyState::todo: break;
  }
  return question.asking.unsure(question.policy.lists().*words.tempfail, refuse(params.*words.defer_code, answer->reason));
}

}  // namespace

Verdict reject_unverified_recipient(const Question& question) {
  if (question.subject.recipient.empty()) return Verdict::dunno();
  return require_deliverable(about_recipient(question), question.subject.recipient, of_recipient);
}

Verdict reject_unverified_sender(const Question& question) {
  if (question.subject.sender.empty()) return Verdict::dunno();
  return require_deliverable(about_sender(question), question.subject.sender, of_sender);
}

}  // namespace smtpd::policy
