#include "smtpd/tls_site.h"

#include <fmt/format.h>

namespace smtpd {
namespace {

tls::ServerSettings settings(const Params& params, const std::string& service, bool is_demanded) {
  std::string exclude = params.smtpd_tls_exclude_ciphers;
  if (is_demanded) exclude += " " + params.smtpd_tls_mandatory_exclude_ciphers;
  const std::chrono::seconds farewell_time = params.tls_fast_shutdown_enable ? std::chrono::seconds(0) : params.smtpd_starttls_timeout;
  return {.common = tls::common_settings(params, farewell_time),
          .credentials = {.chain_files = params.smtpd_tls_chain_files,
                          .rsa = {params.smtpd_tls_cert_file, params.smtpd_tls_key_file},
                          .dsa = {params.smtpd_tls_dcert_file, params.smtpd_tls_dkey_file},
                          .ec = {params.smtpd_tls_eccert_file, params.smtpd_tls_eckey_file}},
          .ca_file = params.smtpd_tls_CAfile,
          .ca_path = params.smtpd_tls_CApath,
          .protocols = is_demanded ? params.smtpd_tls_mandatory_protocols : params.smtpd_tls_protocols,
          .cipher_grade = is_demanded ? params.smtpd_tls_mandatory_ciphers : params.smtpd_tls_ciphers,
          .exclude_ciphers = std::move(exclude),
          .dh_file = params.smtpd_tls_dh1024_param_file,
          .prefers_own_ciphers = params.tls_preempt_cipherlist,
          .asks_certificate = params.smtpd_tls_ask_ccert,
          .wants_raw_keys = params.smtpd_tls_enable_rpk,
          .trusts_server_certificates = params.tls_trust_server_ccerts,
          .verify_depth = params.smtpd_tls_ccert_verifydepth,
          .fingerprint_digest = params.smtpd_tls_fingerprint_digest,
          .session_lifetime = params.smtpd_tls_session_cache_timeout,
          .ticket_cipher = params.tls_session_ticket_cipher,
          .service = service};
}

}  // namespace

Result<TlsSite> TlsSite::make(maps::Tables& tables, const Params& params, const std::string& service,
                              const std::function<void(const std::string&)>& watch_file) {
  TlsLevel level = TRY(smtp::tls_level("smtpd_tls_security_level", params.smtpd_tls_security_level, params.smtpd_use_tls, params.smtpd_enforce_tls));
  if (params.smtpd_tls_wrappermode) level = TlsLevel::encrypt;
  TlsSite site{TRY(smtp::TlsSite::make(tables,
                                       {.level = level,
                                        .requires_certificate = params.smtpd_tls_req_ccert,
                                        .log_parameter = "smtpd_tls_loglevel",
                                        .log_level = params.smtpd_tls_loglevel,
                                        .log_level_maps = params.smtpd_tls_loglevel_maps,
                                        .names = params.tls_server_sni_maps,
                                        .settings = settings(params, service, level == TlsLevel::encrypt)},
                                       watch_file))};
  site.is_wrapped = params.smtpd_tls_wrappermode;
  return site;
}

std::string received_lines(const tls::Facts& facts, bool asked_certificate) {
  std::string out = fmt::format("\n\t(using {}", facts.cipher_text());
  for (const std::string& part : {facts.server_text(), facts.client_text()}) {
    if (!part.empty()) out += "\n\t " + part;
  }
  out += ')';
  if (facts.has_raw_key) {
    out += fmt::format("\n\t(Client RPK {} digest {})", facts.fingerprint_digest, facts.public_key_fingerprint);
  } else if (facts.trust != tls::Trust::anonymous) {
    const auto named = [](std::string_view name) { return name.empty() ? std::string_view("not available") : name; };
    out += fmt::format("\n\t(Client CN \"{}\", Issuer \"{}\" ({}))", named(facts.subject_cn), named(facts.issuer_cn),
                       facts.trust == tls::Trust::untrusted ? "not verified" : "verified OK");
  } else {
    out += asked_certificate ? "\n\t(Client did not present a certificate)" : "\n\t(No client certificate requested)";
  }
  return out;
}

}  // namespace smtpd
