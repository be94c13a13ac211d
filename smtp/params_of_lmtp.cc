#include "smtp/params_of_lmtp.h"

#include "smtp/lmtp_params.h"

namespace smtp {

namespace {

// What both have under one name.
void take_shared(const lmtp::Params& from, Params& to) {
  to.address_verify_negative_cache = from.address_verify_negative_cache;
  to.address_verify_service_name = from.address_verify_service_name;
  to.allow_srv_lookup_fallback = from.allow_srv_lookup_fallback;
  to.disable_dns_lookups = from.disable_dns_lookups;
  to.dnssec_probe = from.dnssec_probe;
  to.ignore_srv_lookup_error = from.ignore_srv_lookup_error;
  to.use_srv_lookup = from.use_srv_lookup;
  to.connection_cache_ttl_limit = from.connection_cache_ttl_limit;
  to.known_tcp_ports = from.known_tcp_ports;
  to.debug_peer_level = from.debug_peer_level;
  to.debug_peer_list = from.debug_peer_list;
  to.default_database_type = from.default_database_type;
  to.delay_logging_resolution_limit = from.delay_logging_resolution_limit;
  to.disable_mime_output_conversion = from.disable_mime_output_conversion;
  to.enable_idna2003_compatibility = from.enable_idna2003_compatibility;
  to.fast_flush_domains = from.fast_flush_domains;
  to.flush_service_name = from.flush_service_name;
  to.header_address_token_limit = from.header_address_token_limit;
  to.header_size_limit = from.header_size_limit;
  to.inet_interfaces = from.inet_interfaces;
  to.inet_protocols = from.inet_protocols;
  to.mime_boundary_length_limit = from.mime_boundary_length_limit;
  to.mime_nesting_limit = from.mime_nesting_limit;
  to.bounce_service_name = from.bounce_service_name;
  to.cleanup_service_name = from.cleanup_service_name;
  to.defer_service_name = from.defer_service_name;
  to.rewrite_service_name = from.rewrite_service_name;
  to.trace_service_name = from.trace_service_name;
  to.double_bounce_sender = from.double_bounce_sender;
  to.error_notice_recipient = from.error_notice_recipient;
  to.header_from_format = from.header_from_format;
  to.internal_mail_filter_classes = from.internal_mail_filter_classes;
  to.line_length_limit = from.line_length_limit;
  to.mail_name = from.mail_name;
  to.notify_classes = from.notify_classes;
  to.mydestination = from.mydestination;
  to.myhostname = from.myhostname;
  to.myorigin = from.myorigin;
  to.owner_request_special = from.owner_request_special;
  to.parent_domain_matches_subdomains = from.parent_domain_matches_subdomains;
  to.propagate_unmatched_extensions = from.propagate_unmatched_extensions;
  to.proxy_interfaces = from.proxy_interfaces;
  to.recipient_delimiter = from.recipient_delimiter;
  to.send_cyrus_sasl_authzid = from.send_cyrus_sasl_authzid;
  to.requiretls_enable = from.requiretls_enable;
  to.smtputf8_enable = from.smtputf8_enable;
  to.tls_required_enable = from.tls_required_enable;
  to.soft_bounce = from.soft_bounce;
  to.minimal_backoff_time = from.minimal_backoff_time;
  to.tls_append_default_CA = from.tls_append_default_CA;
  to.tls_config_file = from.tls_config_file;
  to.tls_config_name = from.tls_config_name;
  to.tls_dane_digests = from.tls_dane_digests;
  to.tls_disable_workarounds = from.tls_disable_workarounds;
  to.tls_eecdh_auto_curves = from.tls_eecdh_auto_curves;
  to.tls_fast_shutdown_enable = from.tls_fast_shutdown_enable;
  to.tls_ffdhe_auto_groups = from.tls_ffdhe_auto_groups;
  to.tls_high_cipherlist = from.tls_high_cipherlist;
  to.tls_medium_cipherlist = from.tls_medium_cipherlist;
  to.tls_null_cipherlist = from.tls_null_cipherlist;
  to.tls_ssl_options = from.tls_ssl_options;
  to.tlsmgr_service_name = from.tlsmgr_service_name;
}

// lmtp_... is smtp_... to the rest of the program.
void take_own(const lmtp::Params& from, Params& to) {
  to.smtp_address_preference = from.lmtp_address_preference;
  to.smtp_address_verify_target = from.lmtp_address_verify_target;
  to.smtp_balance_inet_protocols = from.lmtp_balance_inet_protocols;
  to.smtp_cname_overrides_servername = from.lmtp_cname_overrides_servername;
  to.smtp_dns_reply_filter = from.lmtp_dns_reply_filter;
  to.smtp_dns_resolver_options = from.lmtp_dns_resolver_options;
  to.lmtp_assume_final = from.lmtp_assume_final;
  to.smtp_bind_address = from.lmtp_bind_address;
  to.smtp_bind_address6 = from.lmtp_bind_address6;
  to.smtp_bind_address_enforce = from.lmtp_bind_address_enforce;
  to.smtp_connect_timeout = from.lmtp_connect_timeout;
  to.smtp_connection_cache_destinations = from.lmtp_connection_cache_destinations;
  to.smtp_connection_cache_on_demand = from.lmtp_connection_cache_on_demand;
  to.smtp_connection_cache_time_limit = from.lmtp_connection_cache_time_limit;
  to.smtp_connection_reuse_count_limit = from.lmtp_connection_reuse_count_limit;
  to.smtp_connection_reuse_time_limit = from.lmtp_connection_reuse_time_limit;
  to.smtp_data_done_timeout = from.lmtp_data_done_timeout;
  to.smtp_data_init_timeout = from.lmtp_data_init_timeout;
  to.smtp_data_xfer_timeout = from.lmtp_data_xfer_timeout;
  to.smtp_body_checks = from.lmtp_body_checks;
  to.smtp_header_checks = from.lmtp_header_checks;
  to.smtp_mime_header_checks = from.lmtp_mime_header_checks;
  to.smtp_nested_header_checks = from.lmtp_nested_header_checks;
  to.smtp_reply_filter = from.lmtp_reply_filter;
  to.smtp_send_xforward_command = from.lmtp_send_xforward_command;
  to.smtp_xforward_timeout = from.lmtp_xforward_timeout;
  to.smtp_defer_if_no_mx_address_found = from.lmtp_defer_if_no_mx_address_found;
  to.smtp_delivery_status_filter = from.lmtp_delivery_status_filter;
  to.smtp_discard_ehlo_keyword_address_maps = from.lmtp_discard_lhlo_keyword_address_maps;
  to.smtp_discard_ehlo_keywords = from.lmtp_discard_lhlo_keywords;
  to.smtp_dns_support_level = from.lmtp_dns_support_level;
  to.smtp_fallback_relay = from.lmtp_fallback_relay;
  to.smtp_generic_maps = from.lmtp_generic_maps;
  to.smtp_helo_name = from.lmtp_lhlo_name;
  to.smtp_helo_timeout = from.lmtp_lhlo_timeout;
  to.smtp_host_lookup = from.lmtp_host_lookup;
  to.smtp_line_length_limit = from.lmtp_line_length_limit;
  to.smtp_mail_timeout = from.lmtp_mail_timeout;
  to.smtp_min_data_rate = from.lmtp_min_data_rate;
  to.smtp_mx_address_limit = from.lmtp_mx_address_limit;
  to.smtp_mx_session_limit = from.lmtp_mx_session_limit;
  to.smtp_per_request_deadline = from.lmtp_per_request_deadline;
  to.smtp_pix_workaround_delay_time = from.lmtp_pix_workaround_delay_time;
  to.smtp_pix_workaround_maps = from.lmtp_pix_workaround_maps;
  to.smtp_pix_workaround_threshold_time = from.lmtp_pix_workaround_threshold_time;
  to.smtp_pix_workarounds = from.lmtp_pix_workarounds;
  to.smtp_quit_timeout = from.lmtp_quit_timeout;
  to.smtp_quote_rfc821_envelope = from.lmtp_quote_rfc821_envelope;
  to.smtp_randomize_addresses = from.lmtp_randomize_addresses;
  to.smtp_rcpt_timeout = from.lmtp_rcpt_timeout;
  to.smtp_rset_timeout = from.lmtp_rset_timeout;
  to.smtp_skip_5xx_greeting = from.lmtp_skip_5xx_greeting;
  to.smtp_skip_quit_response = from.lmtp_skip_quit_response;
  to.smtp_tcp_port = from.lmtp_tcp_port;
}

// The same for TLS.
void take_tls(const lmtp::Params& from, Params& to) {
  to.smtp_enforce_tls = from.lmtp_enforce_tls;
  to.smtp_starttls_timeout = from.lmtp_starttls_timeout;
  to.smtp_tls_CAfile = from.lmtp_tls_CAfile;
  to.smtp_tls_CApath = from.lmtp_tls_CApath;
  to.smtp_tls_block_early_mail_reply = from.lmtp_tls_block_early_mail_reply;
  to.smtp_tls_cert_file = from.lmtp_tls_cert_file;
  to.smtp_tls_chain_files = from.lmtp_tls_chain_files;
  to.smtp_tls_ciphers = from.lmtp_tls_ciphers;
  to.smtp_tls_connection_reuse = from.lmtp_tls_connection_reuse;
  to.smtp_tls_dcert_file = from.lmtp_tls_dcert_file;
  to.smtp_tls_dkey_file = from.lmtp_tls_dkey_file;
  to.smtp_tls_eccert_file = from.lmtp_tls_eccert_file;
  to.smtp_tls_eckey_file = from.lmtp_tls_eckey_file;
  to.smtp_tls_enable_rpk = from.lmtp_tls_enable_rpk;
  to.smtp_tls_enforce_peername = from.lmtp_tls_enforce_peername;
  to.smtp_tls_exclude_ciphers = from.lmtp_tls_exclude_ciphers;
  to.smtp_tls_fingerprint_cert_match = from.lmtp_tls_fingerprint_cert_match;
  to.smtp_tls_fingerprint_digest = from.lmtp_tls_fingerprint_digest;
  to.smtp_tls_force_insecure_host_tlsa_lookup = from.lmtp_tls_force_insecure_host_tlsa_lookup;
  to.smtp_tls_key_file = from.lmtp_tls_key_file;
  to.smtp_tls_loglevel = from.lmtp_tls_loglevel;
  to.smtp_tls_loglevel_maps = from.lmtp_tls_loglevel_maps;
  to.smtp_tls_mandatory_ciphers = from.lmtp_tls_mandatory_ciphers;
  to.smtp_tls_mandatory_exclude_ciphers = from.lmtp_tls_mandatory_exclude_ciphers;
  to.smtp_tls_mandatory_protocols = from.lmtp_tls_mandatory_protocols;
  to.smtp_tls_note_starttls_offer = from.lmtp_tls_note_starttls_offer;
  to.smtp_tls_policy_maps = from.lmtp_tls_policy_maps;
  to.smtp_tls_protocols = from.lmtp_tls_protocols;
  to.smtp_tls_scert_verifydepth = from.lmtp_tls_scert_verifydepth;
  to.smtp_tls_secure_cert_match = from.lmtp_tls_secure_cert_match;
  to.smtp_tls_security_level = from.lmtp_tls_security_level;
  to.smtp_tls_servername = from.lmtp_tls_servername;
  to.smtp_tls_session_cache_database = from.lmtp_tls_session_cache_database;
  to.smtp_tls_session_cache_timeout = from.lmtp_tls_session_cache_timeout;
  to.smtp_tls_verify_cert_match = from.lmtp_tls_verify_cert_match;
  to.smtp_tls_trace_size_limit = from.lmtp_tls_trace_size_limit;
  to.smtp_tls_trust_anchor_file = from.lmtp_tls_trust_anchor_file;
  to.smtp_tls_per_site = from.lmtp_tls_per_site;
  to.smtp_tls_enforce_sts_mx_patterns = from.lmtp_tls_enforce_sts_mx_patterns;
  to.smtp_log_tls_feature_status = from.lmtp_log_tls_feature_status;
  to.smtp_requiretls_policy = from.lmtp_requiretls_policy;
  to.smtp_tlsrpt_enable = from.lmtp_tlsrpt_enable;
  to.smtp_tlsrpt_socket_name = from.lmtp_tlsrpt_socket_name;
  to.smtp_tlsrpt_skip_reused_handshakes = from.lmtp_tlsrpt_skip_reused_handshakes;
  to.smtp_tls_wrappermode = from.lmtp_tls_wrappermode;
  to.smtp_use_tls = from.lmtp_use_tls;
}

// The same for SASL.
void take_sasl(const lmtp::Params& from, Params& to) {
  to.smtp_sasl_auth_cache_name = from.lmtp_sasl_auth_cache_name;
  to.smtp_sasl_auth_cache_time = from.lmtp_sasl_auth_cache_time;
  to.smtp_sasl_auth_enable = from.lmtp_sasl_auth_enable;
  to.smtp_sasl_auth_soft_bounce = from.lmtp_sasl_auth_soft_bounce;
  to.smtp_sasl_mechanism_filter = from.lmtp_sasl_mechanism_filter;
  to.smtp_sasl_password_maps = from.lmtp_sasl_password_maps;
  to.smtp_sasl_password_result_delimiter = from.lmtp_sasl_password_result_delimiter;
  to.smtp_sasl_path = from.lmtp_sasl_path;
  to.smtp_sasl_security_options = from.lmtp_sasl_security_options;
  to.smtp_sasl_tls_security_options = from.lmtp_sasl_tls_security_options;
  to.smtp_sasl_tls_verified_security_options = from.lmtp_sasl_tls_verified_security_options;
  to.smtp_sasl_type = from.lmtp_sasl_type;
  to.smtp_send_dummy_mail_auth = from.lmtp_send_dummy_mail_auth;
  to.smtp_sender_dependent_authentication = from.lmtp_sender_dependent_authentication;
}

}  // namespace

Result<Params> load_lmtp(const config::Main& main) {
  const lmtp::Params from = TRY(lmtp::Params::load(main));
  Params to{};
  take_shared(from, to);
  take_own(from, to);
  take_tls(from, to);
  take_sasl(from, to);
  return to;
}

}  // namespace smtp
