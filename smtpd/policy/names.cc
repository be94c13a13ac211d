// Restrictions that look at the form of names: of the client in HELO, of the domains of the envelope.

#include "lib/base/ascii.h"
#include "lib/base/host_name.h"
#include "lib/mail/address.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

constexpr std::string_view bad_syntax = "5.5.2";

// "[192.0.2.1]", "[IPv6:2001:db8::1]", and 192.0.2.1 alone (RFC 5321 section 4.1.3).
enum class Literal { none, good, bad };
Literal literal_in(std::string_view name) {
  if (!name.starts_with('[')) return io::Address::parse(name).has_value() && !name.contains(':') ? Literal::good : Literal::none;
  std::string_view inner = name.substr(1);
  if (!inner.ends_with(']')) return Literal::bad;
  inner.remove_suffix(1);
  constexpr std::string_view v6 = "IPv6:";
  const bool is_v6 = inner.size() > v6.size() && ascii::equal_ignoring_case(inner.substr(0, v6.size()), v6);
  if (is_v6) inner.remove_prefix(v6.size());
  const auto address = io::Address::parse(inner);
  return address && (address->is_v6() || inner.contains(':')) == is_v6 ? Literal::good : Literal::bad;
}

// One final dot is a matter of taste.
std::string_view without_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

Verdict refuse_helo(const Question& about, int code, std::string_view text) { return Verdict::refuse(refusal(about, code, bad_syntax, text)); }

Verdict require_full_address(const Question& question, std::string_view address) {
  if (address.empty()) return Verdict::dunno();
  const mail::AddressParts parts = mail::split(address);
  const bool is_postmaster = !parts.has_domain && ascii::equal_ignoring_case(parts.local, "postmaster");
  const std::string_view domain = without_dot(parts.domain);
  const bool is_full = domain.starts_with('[') || (domain.contains('.') && base::is_host_name(domain)) || is_postmaster;
  return is_full ? Verdict::dunno() : Verdict::refuse(refusal(question, question.policy.params().non_fqdn_reject_code, bad_syntax, "need fully-qualified address"));
}

}  // namespace

Verdict reject_invalid_helo_hostname(const Question& question) {
  const std::string_view helo = question.subject.helo;
  if (helo.empty()) return Verdict::dunno();
  const Question about = about_helo(question);
  const int code = question.policy.params().invalid_hostname_reject_code;
  switch (literal_in(helo)) {
    case Literal::good: return Verdict::dunno();
    case Literal::bad: return refuse_helo(about, code, "invalid ip address");
    case Literal::none: break;
  }
  return base::is_host_name(without_dot(helo)) ? Verdict::dunno() : refuse_helo(about, code, "Invalid name");
}

Verdict reject_non_fqdn_helo_hostname(const Question& question) {
  const std::string_view helo = question.subject.helo;
  if (helo.empty()) return Verdict::dunno();
  const Question about = about_helo(question);
  const Params& params = question.policy.params();
  if (helo.starts_with('[')) {
    return literal_in(helo) == Literal::good ? Verdict::dunno() : refuse_helo(about, params.invalid_hostname_reject_code, "invalid ip address");
  }
  // An address without brackets is no name.
  const bool is_full = without_dot(helo).contains('.') && base::is_host_name(without_dot(helo));
  return is_full ? Verdict::dunno() : refuse_helo(about, params.non_fqdn_reject_code, "need fully-qualified hostname");
}

Verdict reject_non_fqdn_sender(const Question& question) { return require_full_address(about_sender(question), question.subject.sender); }

Verdict reject_non_fqdn_recipient(const Question& question) {
  return require_full_address(about_recipient(question), question.subject.recipient);
}

}  // namespace smtpd::policy
