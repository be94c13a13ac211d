// Restrictions that look at who the client is.

#include <algorithm>

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

// This machine itself.
Verdict permit_inet_interfaces(const Question& question) {
  const Client& client = question.subject.client;
  const std::vector<io::Address>& own = question.policy.tables().own_addresses;
  const bool is_own = client.is_ip && std::ranges::find(own, client.ip) != own.end();
  return is_own ? Verdict::permit() : Verdict::dunno();
}

Verdict permit_sasl_authenticated(const Question& question) {
  return question.subject.sasl_username.empty() ? Verdict::dunno() : Verdict::permit();
}

// Whoever has a certificate that an authority vouches for.
Verdict permit_tls_all_clientcerts(const Question& question) {
  const tls::Facts* const tls = question.subject.tls;
  return tls != nullptr && tls->trust == tls::Trust::trusted ? Verdict::permit() : Verdict::dunno();
}

// Those whose certificates, or keys, are in relay_clientcerts; no authority is asked.
Verdict permit_tls_clientcerts(const Question& question) {
  const tls::Facts* const tls = question.subject.tls;
  if (tls == nullptr || tls->public_key_fingerprint.empty()) return Verdict::dunno();
  const maps::Maps& known = question.policy.tables().relay_clientcerts;
  const auto of_key = known.lookup(tls->public_key_fingerprint);
  if (!of_key) return question.policy.lookup_failed(question, of_key.error());
  if (*of_key) return Verdict::permit();
  if (tls->has_raw_key) return Verdict::dunno();
  const auto of_certificate = known.lookup(tls->fingerprint);
  if (!of_certificate) return question.policy.lookup_failed(question, of_certificate.error());
  if (!*of_certificate) return Verdict::dunno();
  if (question.policy.lists().wants_raw_keys) {
    maillog::warning("permit_tls_clientcerts: {}: relay_clientcerts: Fragile access policy: smtpd_tls_enable_rpk=yes, but public key fingerprint "
                     "\"{}\" not matched, while certificate fingerprint \"{}\" matched",
                     question.subject.client.name_and_address, tls->public_key_fingerprint, tls->fingerprint);
  }
  return Verdict::permit();
}

}  // namespace smtpd::policy
