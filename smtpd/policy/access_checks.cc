// check_client_access and its like: what a table says of the client, of his name, of an end of the message.

#include "lib/log/log.h"
#include "smtpd/policy/access_table.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

Verdict or_dunno(std::optional<Verdict> verdict) { return verdict ? std::move(*verdict) : Verdict::dunno(); }

Verdict check_host(const Question& question, std::string_view name, std::string_view address) {
  const AccessTable table(question);
  if (auto verdict = table.host(name)) return std::move(*verdict);
  return or_dunno(table.address(address));
}

enum class PermitRouted { no, yes };

Verdict check_mail(const Question& question, PermitRouted permit_routed) {
  const auto answer = question.policy.resolve(question.subject.sender, question.about.name);
  if (!answer) return question.policy.lookup_failed(question, answer.error());
  if (answer->status == ipc::ResolveStatus::fail) return Verdict::insist(question.policy.temporary_failure(question));
  if (!answer->address.contains('@')) return Verdict::dunno();
  Verdict verdict = or_dunno(AccessTable(question).mail(answer->address));
  // Where the mail goes after us is the sender's choice: an OK for us is none for there.
  const bool is_suspicious = answer->has_routing && permit_routed == PermitRouted::no && !question.policy.params().allow_untrusted_routing;
  return verdict.permits() && is_suspicious ? Verdict::dunno() : verdict;
}

}  // namespace

Verdict check_client_access(const Question& question) {
  const Client& client = question.subject.client;
  return check_host(about_client(question), client.name, client.address);
}

Verdict check_reverse_client_hostname_access(const Question& question) {
  const Client& client = question.subject.client;
  return check_host(about_client(question), client.reverse_name, client.address);
}

Verdict check_helo_access(const Question& question) {
  if (question.subject.helo.empty()) return Verdict::dunno();
  return or_dunno(AccessTable(about_helo(question)).host(question.subject.helo));
}

Verdict check_sender_access(const Question& question) {
  if (!question.subject.has_sender) return Verdict::dunno();
  const Question about = about_sender(question);
  if (!question.subject.sender.empty()) return check_mail(about, PermitRouted::yes);
  return or_dunno(AccessTable(about).key(question.policy.params().smtpd_null_access_lookup_key));
}

Verdict check_recipient_access(const Question& question) {
  if (question.subject.recipient.empty()) return Verdict::dunno();
  return check_mail(about_recipient(question), PermitRouted::no);
}

Verdict check_etrn_access(const Question& question) {
  if (question.subject.etrn_domain.empty()) return Verdict::dunno();
  const Question about = with(question, policy::about(Stage::etrn, question.subject));
  return or_dunno(AccessTable(about).host(question.subject.etrn_domain));
}

Verdict check_sasl_access(const Question& question) {
  if (!question.policy.lists().offers_sasl) {
    maillog::warning("restriction `check_sasl_access' ignored: no SASL support");
    return Verdict::dunno();
  }
  if (question.subject.sasl_username.empty()) return Verdict::dunno();
  return or_dunno(AccessTable(question).key(question.subject.sasl_username));
}

namespace {

// What lets a client in by his certificate keeps him out once he shows a raw key instead (smtpd_tls_enable_rpk).
void warn_if_fragile(const Question& question, const tls::Facts& tls) {
  if (!question.policy.lists().wants_raw_keys) return;
  maps::Table& table = *question.item.table;
  const auto of_certificate = table.lookup(tls.fingerprint), of_key = table.lookup(tls.public_key_fingerprint);
  if (!of_certificate || !of_key || *of_certificate == *of_key) return;
  maillog::warning("check_ccert_access: {}: {}: Fragile access policy: smtpd_tls_enable_rpk=yes, but the action for certificate fingerprint \"{}\" "
                   "!= the action for public key fingerprint \"{}\"",
                   question.subject.client.name_and_address, table.name(), tls.fingerprint, tls.public_key_fingerprint);
}

}  // namespace

Verdict check_ccert_access(const Question& question) {
  if (!question.policy.lists().asks_certificates) {
    maillog::warning("check_ccert_access is requested, but \"smtpd_tls_ask_ccert = no\"");
    return Verdict::dunno();
  }
  const tls::Facts* const tls = question.subject.tls;
  if (tls == nullptr || tls->public_key_fingerprint.empty()) return Verdict::dunno();
  const AccessTable table(question);
  for (const CertificateKey key : question.item.certificate_keys) {
    const bool is_public_key = key == CertificateKey::public_key_fingerprint;
    if (!is_public_key && tls->has_raw_key) continue;
    auto verdict = table.key(is_public_key ? tls->public_key_fingerprint : tls->fingerprint);
    if (!verdict) continue;
    if (!is_public_key) warn_if_fragile(question, *tls);
    return std::move(*verdict);
  }
  return Verdict::dunno();
}

// "type:table" alone: the kind of access that the list is about.
Verdict ask_bare_table(const Question& question) {
  switch (question.stage) {
    case Stage::client: return check_client_access(question);
    case Stage::helo: return check_helo_access(question);
    case Stage::sender: return check_sender_access(question);
    case Stage::relay:
    case Stage::recipient: return check_recipient_access(question);
    case Stage::etrn: return check_etrn_access(question);
    case Stage::data:
    case Stage::end_of_data: break;
  }
  maillog::warning("specify one of (check_client_access, check_reverse_client_hostname_access, check_helo_access, check_sender_access, "
                   "check_recipient_access, check_etrn_access) before {} restriction \"{}\"",
                   question.about.what, question.item.name);
  return Verdict::insist(server_configuration_error());
}

}  // namespace smtpd::policy
