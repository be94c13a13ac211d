// Restrictions that look whether names exist in the DNS: of the client, of the domains of the envelope.

#include <fmt/format.h>

#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "smtpd/policy/asking.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

constexpr int tempfail_code = 450;

// Has the name something to send mail to?
enum class Known { yes, no, null_mx, garbled, filtered, unsure };

Known is_known(Policy& policy, std::string_view name) {
  const auto servers = policy.mail_servers(name);
  switch (servers.status) {
    case dns::Status::found: return Known::yes;
    case dns::Status::null_mx: return Known::null_mx;
    case dns::Status::garbled: return Known::garbled;
    case dns::Status::filtered:
      // The site does not want to know.
      maillog::warning("{}: MX or address lookup error: {}", name, servers.reason);
      return Known::filtered;
    case dns::Status::no_domain:
    case dns::Status::no_data:
    case dns::Status::invalid:
    case dns::Status::temporary:
    case dns::Status::unfiltered: break;
  }
  const auto addresses = policy.addresses(name);
  if (addresses) return Known::yes;
  const bool is_unsure = servers.status == dns::Status::temporary || servers.status == dns::Status::unfiltered ||
                         addresses.status == dns::Status::temporary || addresses.status == dns::Status::unfiltered;
  return is_unsure ? Known::unsure : Known::no;
}

struct Words {
  std::string_view dsn;          // of an unknown domain
  int null_mx_code;
  std::string_view null_mx_dsn;
};
constexpr Words of_sender{"5.1.8", 550, "5.7.27"}, of_recipient{"5.1.2", 556, "5.1.10"};

Verdict require_domain(const Question& question, std::string_view address, const Words& words) {
  if (address.empty()) return Verdict::dunno();
  const auto answer = question.policy.resolve(question.subject.sender, address);
  if (!answer) return question.policy.lookup_failed(question, answer.error());
  if (answer->status == ipc::ResolveStatus::fail) return Verdict::insist(question.policy.temporary_failure(question));
  // Where we are the last to have the mail, whether the DNS knows so does not matter.
  const bool ends_here = answer->address_class != ipc::AddressClass::other && answer->address_class != ipc::AddressClass::relay;
  const mail::AddressParts parts = mail::split(answer->address);
  if (ends_here || parts.domain.empty() || parts.domain.starts_with('[')) return Verdict::dunno();
  const Params& params = question.policy.params();
  switch (is_known(question.policy, parts.domain)) {
    case Known::filtered:
    case Known::yes: return Verdict::dunno();
    case Known::no: return Verdict::refuse(refusal(question, params.unknown_address_reject_code, words.dsn, "Domain not found"));
    case Known::null_mx:
      return Verdict::refuse(refusal(question, words.null_mx_code, words.null_mx_dsn,
                                     fmt::format("Domain {} does not accept mail (nullMX)", parts.domain)));
    case Known::garbled:
      return Verdict::refuse(refusal(question, params.unknown_address_reject_code, words.dsn, "Malformed DNS server reply"));
    case Known::unsure: break;
  }
  return question.asking.unsure(question.policy.lists().unknown_address_tempfail, refusal(question, tempfail_code, words.dsn, "Domain not found"));
}

Reply client_refusal(const Question& question, bool may_come, std::string_view dsn, std::string_view what) {
  const int code = may_come ? tempfail_code : question.policy.params().unknown_client_reject_code;
  return {code, fmt::format("{} Client host rejected: cannot find your {}, [{}]", dsn_for(code, dsn), what, question.subject.client.address)};
}

}  // namespace

Verdict reject_unknown_sender_domain(const Question& question) {
  return require_domain(about_sender(question), question.subject.sender, of_sender);
}

Verdict reject_unknown_recipient_domain(const Question& question) {
  return require_domain(about_recipient(question), question.subject.recipient, of_recipient);
}

Verdict reject_unknown_helo_hostname(const Question& question) {
  const std::string_view helo = question.subject.helo;
  if (helo.empty()) return Verdict::dunno();
  if (helo.starts_with('[')) return reject_invalid_helo_hostname(question);
  const Question about = about_helo(question);
  switch (is_known(question.policy, helo)) {
    case Known::yes:
    case Known::filtered:
    case Known::null_mx: return Verdict::dunno();
    case Known::garbled:
    case Known::no: return Verdict::refuse(refusal(about, question.policy.params().unknown_hostname_reject_code, "5.7.1", "Host not found"));
    case Known::unsure: break;
  }
  return question.asking.unsure(question.policy.lists().unknown_helo_tempfail, refusal(about, tempfail_code, "5.7.1", "Host not found"));
}

// The name must lead from the address and back to it.
Verdict reject_unknown_client_hostname(const Question& question) {
  const Client& client = question.subject.client;
  if (client.name != Client::unknown) return Verdict::dunno();
  return Verdict::refuse(client_refusal(question, client.name_may_come, "5.7.25", "hostname"));
}

Verdict reject_unknown_reverse_client_hostname(const Question& question) {
  const Client& client = question.subject.client;
  if (client.reverse_name != Client::unknown) return Verdict::dunno();
  return Verdict::refuse(client_refusal(question, client.reverse_name_may_come, "5.7.1", "reverse hostname"));
}

}  // namespace smtpd::policy
