#include "smtp/params_of_lmtp.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/testing/catch.h"

namespace smtp {
namespace {

struct Row {
  std::string_view name, value;
  std::variant<bool Params::*, int Params::*, std::chrono::seconds Params::*, std::string Params::*> member;
};

// The member as main.cf would say it.
std::string text_of(const Params& params, const Row& row) {
  return std::visit(
      [&](auto member) -> std::string {
        const auto& value = params.*member;
        if constexpr (std::is_same_v<decltype(value), const bool&>) return value ? "yes" : "no";
        else if constexpr (std::is_same_v<decltype(value), const int&>) return std::to_string(value);
        else if constexpr (std::is_same_v<decltype(value), const std::chrono::seconds&>) return std::to_string(value.count()) + "s";
        else return value;
      },
      row.member);
}

TEST_CASE("each parameter of lmtp does what its namesake does for smtp") {
  const Row rows[] = {
      {"address_verify_negative_cache", "no", &Params::address_verify_negative_cache},
      {"address_verify_service_name", "value", &Params::address_verify_service_name},
      {"lmtp_address_preference", "value", &Params::smtp_address_preference},
      {"lmtp_address_verify_target", "value", &Params::smtp_address_verify_target},
      {"lmtp_assume_final", "yes", &Params::lmtp_assume_final},
      {"lmtp_bind_address", "value", &Params::smtp_bind_address},
      {"lmtp_bind_address6", "value", &Params::smtp_bind_address6},
      {"lmtp_bind_address_enforce", "yes", &Params::smtp_bind_address_enforce},
      {"lmtp_connect_timeout", "7s", &Params::smtp_connect_timeout},
      {"lmtp_connection_cache_destinations", "value", &Params::smtp_connection_cache_destinations},
      {"lmtp_generic_maps", "value", &Params::smtp_generic_maps},
      {"lmtp_connection_cache_on_demand", "no", &Params::smtp_connection_cache_on_demand},
      {"lmtp_connection_cache_time_limit", "7s", &Params::smtp_connection_cache_time_limit},
      {"lmtp_connection_reuse_count_limit", "7", &Params::smtp_connection_reuse_count_limit},
      {"lmtp_connection_reuse_time_limit", "7s", &Params::smtp_connection_reuse_time_limit},
      {"lmtp_defer_if_no_mx_address_found", "yes", &Params::smtp_defer_if_no_mx_address_found},
      {"lmtp_pix_workaround_delay_time", "7s", &Params::smtp_pix_workaround_delay_time},
      {"lmtp_pix_workaround_maps", "value", &Params::smtp_pix_workaround_maps},
      {"lmtp_pix_workaround_threshold_time", "7s", &Params::smtp_pix_workaround_threshold_time},
      {"lmtp_pix_workarounds", "value", &Params::smtp_pix_workarounds},
      {"lmtp_data_done_timeout", "7s", &Params::smtp_data_done_timeout},
      {"lmtp_data_init_timeout", "7s", &Params::smtp_data_init_timeout},
      {"lmtp_data_xfer_timeout", "7s", &Params::smtp_data_xfer_timeout},
      {"lmtp_body_checks", "value", &Params::smtp_body_checks},
      {"lmtp_header_checks", "value", &Params::smtp_header_checks},
      {"lmtp_mime_header_checks", "value", &Params::smtp_mime_header_checks},
      {"lmtp_nested_header_checks", "value", &Params::smtp_nested_header_checks},
      {"lmtp_reply_filter", "value", &Params::smtp_reply_filter},
      {"lmtp_sasl_auth_cache_name", "value", &Params::smtp_sasl_auth_cache_name},
      {"lmtp_sasl_auth_cache_time", "7s", &Params::smtp_sasl_auth_cache_time},
      {"lmtp_sasl_auth_enable", "yes", &Params::smtp_sasl_auth_enable},
      {"lmtp_sasl_auth_soft_bounce", "no", &Params::smtp_sasl_auth_soft_bounce},
      {"lmtp_sasl_mechanism_filter", "value", &Params::smtp_sasl_mechanism_filter},
      {"lmtp_sasl_password_maps", "value", &Params::smtp_sasl_password_maps},
      {"lmtp_sasl_password_result_delimiter", "|", &Params::smtp_sasl_password_result_delimiter},
      {"lmtp_sasl_path", "value", &Params::smtp_sasl_path},
      {"lmtp_sasl_security_options", "value", &Params::smtp_sasl_security_options},
      {"lmtp_sasl_tls_security_options", "value", &Params::smtp_sasl_tls_security_options},
      {"lmtp_sasl_tls_verified_security_options", "value", &Params::smtp_sasl_tls_verified_security_options},
      {"lmtp_sasl_type", "value", &Params::smtp_sasl_type},
      {"send_cyrus_sasl_authzid", "yes", &Params::send_cyrus_sasl_authzid},
      {"lmtp_send_dummy_mail_auth", "yes", &Params::smtp_send_dummy_mail_auth},
      {"lmtp_sender_dependent_authentication", "yes", &Params::smtp_sender_dependent_authentication},
      {"lmtp_send_xforward_command", "yes", &Params::smtp_send_xforward_command},
      {"lmtp_enforce_tls", "yes", &Params::smtp_enforce_tls},
      {"lmtp_starttls_timeout", "7s", &Params::smtp_starttls_timeout},
      {"lmtp_tls_CAfile", "value", &Params::smtp_tls_CAfile},
      {"lmtp_tls_CApath", "value", &Params::smtp_tls_CApath},
      {"lmtp_tls_block_early_mail_reply", "yes", &Params::smtp_tls_block_early_mail_reply},
      {"lmtp_tls_cert_file", "value", &Params::smtp_tls_cert_file},
      {"lmtp_tls_chain_files", "value", &Params::smtp_tls_chain_files},
      {"lmtp_tls_ciphers", "value", &Params::smtp_tls_ciphers},
      {"lmtp_tls_connection_reuse", "yes", &Params::smtp_tls_connection_reuse},
      {"lmtp_tls_dcert_file", "value", &Params::smtp_tls_dcert_file},
      {"lmtp_tls_dkey_file", "value", &Params::smtp_tls_dkey_file},
      {"lmtp_tls_eccert_file", "value", &Params::smtp_tls_eccert_file},
      {"lmtp_tls_eckey_file", "value", &Params::smtp_tls_eckey_file},
      {"lmtp_tls_enable_rpk", "yes", &Params::smtp_tls_enable_rpk},
      {"lmtp_tls_enforce_peername", "no", &Params::smtp_tls_enforce_peername},
      {"lmtp_tls_exclude_ciphers", "value", &Params::smtp_tls_exclude_ciphers},
      {"lmtp_tls_fingerprint_cert_match", "value", &Params::smtp_tls_fingerprint_cert_match},
      {"lmtp_tls_fingerprint_digest", "value", &Params::smtp_tls_fingerprint_digest},
      {"lmtp_tls_force_insecure_host_tlsa_lookup", "yes", &Params::smtp_tls_force_insecure_host_tlsa_lookup},
      {"lmtp_tls_key_file", "value", &Params::smtp_tls_key_file},
      {"lmtp_tls_loglevel", "value", &Params::smtp_tls_loglevel},
      {"lmtp_tls_loglevel_maps", "value", &Params::smtp_tls_loglevel_maps},
      {"lmtp_tls_mandatory_ciphers", "value", &Params::smtp_tls_mandatory_ciphers},
      {"lmtp_tls_mandatory_exclude_ciphers", "value", &Params::smtp_tls_mandatory_exclude_ciphers},
      {"lmtp_tls_mandatory_protocols", "value", &Params::smtp_tls_mandatory_protocols},
      {"lmtp_tls_note_starttls_offer", "yes", &Params::smtp_tls_note_starttls_offer},
      {"lmtp_tls_policy_maps", "value", &Params::smtp_tls_policy_maps},
      {"lmtp_tls_protocols", "value", &Params::smtp_tls_protocols},
      {"lmtp_tls_scert_verifydepth", "7", &Params::smtp_tls_scert_verifydepth},
      {"lmtp_tls_secure_cert_match", "value", &Params::smtp_tls_secure_cert_match},
      {"lmtp_tls_security_level", "value", &Params::smtp_tls_security_level},
      {"lmtp_tls_servername", "value", &Params::smtp_tls_servername},
      {"lmtp_tls_session_cache_database", "value", &Params::smtp_tls_session_cache_database},
      {"lmtp_tls_session_cache_timeout", "7s", &Params::smtp_tls_session_cache_timeout},
      {"lmtp_tls_trace_size_limit", "7", &Params::smtp_tls_trace_size_limit},
      {"lmtp_tls_verify_cert_match", "value", &Params::smtp_tls_verify_cert_match},
      {"lmtp_tls_wrappermode", "yes", &Params::smtp_tls_wrappermode},
      {"lmtp_use_tls", "yes", &Params::smtp_use_tls},
      {"lmtp_xforward_timeout", "7s", &Params::smtp_xforward_timeout},
      {"lmtp_delivery_status_filter", "value", &Params::smtp_delivery_status_filter},
      {"lmtp_discard_lhlo_keyword_address_maps", "value", &Params::smtp_discard_ehlo_keyword_address_maps},
      {"lmtp_discard_lhlo_keywords", "value", &Params::smtp_discard_ehlo_keywords},
      {"lmtp_dns_support_level", "value", &Params::smtp_dns_support_level},
      {"lmtp_fallback_relay", "value", &Params::smtp_fallback_relay},
      {"lmtp_host_lookup", "value", &Params::smtp_host_lookup},
      {"lmtp_lhlo_name", "value", &Params::smtp_helo_name},
      {"lmtp_lhlo_timeout", "7s", &Params::smtp_helo_timeout},
      {"lmtp_line_length_limit", "7", &Params::smtp_line_length_limit},
      {"lmtp_mail_timeout", "7s", &Params::smtp_mail_timeout},
      {"lmtp_min_data_rate", "7", &Params::smtp_min_data_rate},
      {"lmtp_mx_address_limit", "7", &Params::smtp_mx_address_limit},
      {"lmtp_mx_session_limit", "7", &Params::smtp_mx_session_limit},
      {"lmtp_per_request_deadline", "yes", &Params::smtp_per_request_deadline},
      {"lmtp_quit_timeout", "7s", &Params::smtp_quit_timeout},
      {"lmtp_quote_rfc821_envelope", "no", &Params::smtp_quote_rfc821_envelope},
      {"lmtp_randomize_addresses", "no", &Params::smtp_randomize_addresses},
      {"lmtp_rcpt_timeout", "7s", &Params::smtp_rcpt_timeout},
      {"lmtp_rset_timeout", "7s", &Params::smtp_rset_timeout},
      {"lmtp_skip_5xx_greeting", "no", &Params::smtp_skip_5xx_greeting},
      {"lmtp_skip_quit_response", "yes", &Params::smtp_skip_quit_response},
      {"lmtp_tcp_port", "value", &Params::smtp_tcp_port},
  };
  const auto defaults = load_lmtp(*config::Main::parse("", "/nonexistent"));
  REQUIRE(defaults);
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(text_of(*defaults, row) != row.value);
    const std::vector<std::string> setting{std::string(row.name) + "=" + std::string(row.value)};
    const auto params = load_lmtp(*config::Main::parse("", "/nonexistent", setting));
    REQUIRE(params);
    CHECK(text_of(*params, row) == row.value);
  }
}

}  // namespace
}  // namespace smtp
