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
      {"lmtp_address_preference", "value", &Params::smtp_address_preference},
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
      {"lmtp_data_done_timeout", "7s", &Params::smtp_data_done_timeout},
      {"lmtp_data_init_timeout", "7s", &Params::smtp_data_init_timeout},
      {"lmtp_data_xfer_timeout", "7s", &Params::smtp_data_xfer_timeout},
      {"lmtp_body_checks", "value", &Params::smtp_body_checks},
      {"lmtp_header_checks", "value", &Params::smtp_header_checks},
      {"lmtp_mime_header_checks", "value", &Params::smtp_mime_header_checks},
      {"lmtp_nested_header_checks", "value", &Params::smtp_nested_header_checks},
      {"lmtp_reply_filter", "value", &Params::smtp_reply_filter},
      {"lmtp_send_xforward_command", "yes", &Params::smtp_send_xforward_command},
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
