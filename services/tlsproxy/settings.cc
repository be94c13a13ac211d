#include "services/tlsproxy/settings.h"

#include <array>
#include <string>
#include <string_view>

namespace tlsproxy {
namespace {

constexpr std::chrono::seconds farewell_limit{300};   // for a client's end, without tls_fast_shutdown_enable

// Those that tlsproxy has by its own name, too.
constexpr std::string_view theirs = "postscreen_", ours = "tlsproxy_";
constexpr std::array<std::string_view, 25> names{
    "postscreen_enforce_tls", "postscreen_tls_CAfile", "postscreen_tls_CApath", "postscreen_tls_ask_ccert",
    "postscreen_tls_ccert_verifydepth", "postscreen_tls_cert_file", "postscreen_tls_chain_files",
    "postscreen_tls_ciphers", "postscreen_tls_dcert_file", "postscreen_tls_dh1024_param_file",
    "postscreen_tls_dkey_file", "postscreen_tls_eccert_file", "postscreen_tls_eckey_file", "postscreen_tls_enable_rpk",
    "postscreen_tls_exclude_ciphers", "postscreen_tls_fingerprint_digest", "postscreen_tls_key_file",
    "postscreen_tls_loglevel", "postscreen_tls_mandatory_ciphers", "postscreen_tls_mandatory_exclude_ciphers",
    "postscreen_tls_mandatory_protocols", "postscreen_tls_protocols", "postscreen_tls_req_ccert",
    "postscreen_tls_security_level", "postscreen_use_tls"};

}  // namespace

config::Main with_postscreens(const config::Main& main) {
  config::Main out = main;
  for (const std::string_view name : names) {
    const std::string own = std::string(ours) + std::string(name.substr(theirs.size()));
    if (main.find(own) == nullptr) out.set(own, "$" + std::string(name));
  }
  return out;
}

Result<smtp::TlsSite::Wishes> wishes(const Params& params, const std::string& service) {
  const smtp::TlsLevel level = TRY(smtp::tls_level("tlsproxy_tls_security_level", params.tlsproxy_tls_security_level, params.tlsproxy_use_tls,
                                                   params.tlsproxy_enforce_tls));
  const bool is_demanded = level == smtp::TlsLevel::encrypt;
  std::string exclude = params.tlsproxy_tls_exclude_ciphers;
  if (is_demanded) exclude += " " + params.tlsproxy_tls_mandatory_exclude_ciphers;
  return smtp::TlsSite::Wishes{
      .level = level,
      .requires_certificate = params.tlsproxy_tls_req_ccert,
      .log_parameter = "postscreen_tls_loglevel",
      .log_level = params.tlsproxy_tls_loglevel,
      .log_level_maps = params.postscreen_tls_loglevel_maps,
      .names = params.tls_server_sni_maps,
      .settings = {.common = tls::common_settings(params, params.tls_fast_shutdown_enable ? std::chrono::seconds(0) : farewell_limit),
                   .credentials = {.chain_files = params.tlsproxy_tls_chain_files,
                                   .rsa = {params.tlsproxy_tls_cert_file, params.tlsproxy_tls_key_file},
                                   .dsa = {params.tlsproxy_tls_dcert_file, params.tlsproxy_tls_dkey_file},
                                   .ec = {params.tlsproxy_tls_eccert_file, params.tlsproxy_tls_eckey_file}},
                   .ca_file = params.tlsproxy_tls_CAfile,
                   .ca_path = params.tlsproxy_tls_CApath,
                   .protocols = is_demanded ? params.tlsproxy_tls_mandatory_protocols : params.tlsproxy_tls_protocols,
                   .cipher_grade = is_demanded ? params.tlsproxy_tls_mandatory_ciphers : params.tlsproxy_tls_ciphers,
                   .exclude_ciphers = std::move(exclude),
                   .dh_file = params.tlsproxy_tls_dh1024_param_file,
                   .prefers_own_ciphers = params.tls_preempt_cipherlist,
                   .asks_certificate = params.tlsproxy_tls_ask_ccert,
                   .wants_raw_keys = params.tlsproxy_tls_enable_rpk,
                   .verify_depth = params.tlsproxy_tls_ccert_verifydepth,
                   .fingerprint_digest = params.tlsproxy_tls_fingerprint_digest,
                   .session_lifetime = params.smtpd_tls_session_cache_timeout,
                   .ticket_cipher = params.tls_session_ticket_cipher,
                   .service = service}};
}

}  // namespace tlsproxy
