// check_policy_service: a program of the site is asked.

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"
#include "smtpd/policy/access_result.h"
#include "smtpd/policy/policy.h"
#include "smtpd/policy/policy_client.h"

namespace smtpd::policy {
namespace {

// Names and order are Postfix's.
class Request {
 public:
  void add(std::string_view name, std::string_view value) {
    text_ += name;
    text_ += '=';
    text_ += ascii::printable(value);   // a value has no end of line in it, whoever it comes from
    text_ += '\n';
  }
  void add(std::string_view name, std::uint64_t value) { add(name, std::to_string(value)); }
  [[nodiscard]] std::string take() && { return std::move(text_) + '\n'; }

 private:
  std::string text_;
};

std::string request_for(const Question& question) {
  const Subject& subject = question.subject;
  const Client& client = subject.client;
  const Params& params = question.policy.params();
  const bool knows_count = question.stage == Stage::data || question.stage == Stage::end_of_data;
  Request request;
  request.add("request", "smtpd_access_policy");
  request.add("protocol_state", subject.where == "BDAT" ? "DATA" : subject.where);
  request.add("protocol_name", subject.protocol);
  request.add("client_address", client.address);
  request.add("client_name", client.name);
  request.add("client_port", client.port == Client::unknown ? "" : client.port);
  request.add("reverse_client_name", client.reverse_name);
  request.add("server_address", subject.server_address);
  request.add("server_port", subject.server_port);
  request.add("helo_name", subject.helo);
  request.add("sender", subject.sender);
  request.add("recipient", subject.recipient);
  request.add("recipient_count", knows_count ? subject.recipients : 0);
  request.add("queue_id", subject.queue_id);
  request.add("instance", subject.instance);
  request.add("size", subject.size);
  request.add("etrn_domain", subject.etrn_domain);
  request.add("stress", params.stress);
  request.add("sasl_method", subject.sasl_method);
  request.add("sasl_username", subject.sasl_username);
  request.add("sasl_sender", subject.sasl_sender);
  // The names in a certificate count only where an authority vouches for it; its fingerprint is what it is.
  const tls::Facts in_plaintext;
  const tls::Facts& tls = subject.tls == nullptr ? in_plaintext : *subject.tls;
  const bool is_trusted = tls.trust == tls::Trust::trusted;
  request.add("ccert_subject", is_trusted ? mail::encode_xtext(tls.subject_cn) : "");
  request.add("ccert_issuer", is_trusted ? mail::encode_xtext(tls.issuer_cn) : "");
  request.add("ccert_fingerprint", tls.fingerprint);
  request.add("ccert_pubkey_fingerprint", tls.public_key_fingerprint);
  request.add("encryption_protocol", tls.protocol);
  request.add("encryption_cipher", tls.cipher);
  request.add("encryption_keysize", static_cast<std::uint64_t>(tls.cipher_bits));
  request.add("tls_sni", tls.server_name);
  request.add("policy_context", question.item.service->context());
  request.add("compatibility_level", params.compatibility_level);
  request.add("mail_version", params.mail_version);
  return std::move(request).take();
}

}  // namespace

Verdict check_policy_service(const Question& question) {
  PolicyClient& server = *question.item.service;
  const std::string action = server.ask(request_for(question));
  return access_result(question, {server.name(), "policy query"}, action);
}

}  // namespace smtpd::policy
