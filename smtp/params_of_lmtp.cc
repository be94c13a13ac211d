#include "smtp/params_of_lmtp.h"

#include "smtp/lmtp_params.h"

namespace smtp {

namespace {

// What both have under one name.
void take_shared(const lmtp::Params& from, Params& to) {
  to.allow_srv_lookup_fallback = from.allow_srv_lookup_fallback;
  to.disable_dns_lookups = from.disable_dns_lookups;
  to.ignore_srv_lookup_error = from.ignore_srv_lookup_error;
  to.use_srv_lookup = from.use_srv_lookup;
  to.connection_cache_ttl_limit = from.connection_cache_ttl_limit;
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
  to.cleanup_service_name = from.cleanup_service_name;
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
  to.smtputf8_enable = from.smtputf8_enable;
  to.soft_bounce = from.soft_bounce;
}

// lmtp_... is smtp_... to the rest of the program.
void take_own(const lmtp::Params& from, Params& to) {
  to.smtp_address_preference = from.lmtp_address_preference;
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
  to.smtp_quit_timeout = from.lmtp_quit_timeout;
  to.smtp_quote_rfc821_envelope = from.lmtp_quote_rfc821_envelope;
  to.smtp_randomize_addresses = from.lmtp_randomize_addresses;
  to.smtp_rcpt_timeout = from.lmtp_rcpt_timeout;
  to.smtp_rset_timeout = from.lmtp_rset_timeout;
  to.smtp_skip_5xx_greeting = from.lmtp_skip_5xx_greeting;
  to.smtp_skip_quit_response = from.lmtp_skip_quit_response;
  to.smtp_tcp_port = from.lmtp_tcp_port;
}

}  // namespace

Result<Params> load_lmtp(const config::Main& main) {
  const lmtp::Params from = TRY(lmtp::Params::load(main));
  Params to{};
  take_shared(from, to);
  take_own(from, to);
  return to;
}

}  // namespace smtp
