#include "lib/config/restriction_names.h"

#include <algorithm>

#include "lib/base/ascii.h"

namespace config {

namespace {

constexpr RestrictionName names[] = {
    {"check_ccert_access", true},
    {"check_client_a_access", true},
    {"check_client_access", true},
    {"check_client_mx_access", true},
    {"check_client_ns_access", true},
    {"check_etrn_access", true},
    {"check_helo_a_access", true},
    {"check_helo_access", true},
    {"check_helo_mx_access", true},
    {"check_helo_ns_access", true},
    {"check_policy_service", true},
    {"check_recipient_a_access", true},
    {"check_recipient_access", true},
    {"check_recipient_maps", true},
    {"check_recipient_mx_access", true},
    {"check_recipient_ns_access", true},
    {"check_reverse_client_hostname_a_access", true},
    {"check_reverse_client_hostname_access", true},
    {"check_reverse_client_hostname_mx_access", true},
    {"check_reverse_client_hostname_ns_access", true},
    {"check_sasl_access", true},
    {"check_sender_a_access", true},
    {"check_sender_access", true},
    {"check_sender_mx_access", true},
    {"check_sender_ns_access", true},
    {"defer", true},
    {"defer_if_permit", true},
    {"defer_if_reject", true},
    {"defer_unauth_destination", true},
    {"permit", true},
    {"permit_auth_destination", true},
    {"permit_dnswl_client", true},
    {"permit_inet_interfaces", true},
    {"permit_mx_backup", true},
    {"permit_mynetworks", true},
    {"permit_rhswl_client", true},
    {"permit_sasl_authenticated", true},
    {"permit_tls_all_clientcerts", true},
    {"permit_tls_clientcerts", true},
    {"reject", true},
    {"reject_authenticated_sender_login_mismatch", true},
    {"reject_invalid_helo_hostname", true},
    {"reject_invalid_hostname", true},
    {"reject_known_sender_login_mismatch", true},
    {"reject_multi_recipient_bounce", true},
    {"reject_non_fqdn_helo_hostname", true},
    {"reject_non_fqdn_hostname", true},
    {"reject_non_fqdn_recipient", true},
    {"reject_non_fqdn_sender", true},
    {"reject_plaintext_session", true},
    {"reject_rbl_client", true},
    {"reject_rhsbl_client", true},
    {"reject_rhsbl_helo", true},
    {"reject_rhsbl_recipient", true},
    {"reject_rhsbl_reverse_client", true},
    {"reject_rhsbl_sender", true},
    {"reject_sender_login_mismatch", true},
    {"reject_unauth_destination", true},
    {"reject_unauth_pipelining", true},
    {"reject_unauthenticated_sender_login_mismatch", true},
    {"reject_unknown_address", true},
    {"reject_unknown_client", true},
    {"reject_unknown_client_hostname", true},
    {"reject_unknown_helo_hostname", true},
    {"reject_unknown_hostname", true},
    {"reject_unknown_recipient_domain", true},
    {"reject_unknown_reverse_client_hostname", true},
    {"reject_unknown_sender_domain", true},
    {"reject_unlisted_recipient", true},
    {"reject_unlisted_sender", true},
    {"reject_unverified_recipient", true},
    {"reject_unverified_sender", true},
    {"sleep", true},
    {"warn_if_reject", true},
};
static_assert(std::ranges::is_sorted(names, {}, &RestrictionName::name));

}  // namespace

const RestrictionName* find_restriction_name(std::string_view name) {
  const std::string folded = ascii::lowercase(name);
  const auto* const found = std::ranges::lower_bound(names, std::string_view(folded), {}, &RestrictionName::name);
  return found != std::end(names) && found->name == folded ? found : nullptr;
}

bool is_restriction_list(std::string_view parameter) {
  return std::ranges::find(restriction_lists, parameter) != std::end(restriction_lists);
}

std::vector<std::string_view> list_items(std::string_view value) {
  constexpr std::string_view separators = ", \t\r\n";
  std::vector<std::string_view> items;
  for (std::size_t at = value.find_first_not_of(separators); at < value.size();) {
    std::size_t end = at;
    for (int depth = 0; end < value.size() && (depth > 0 || !separators.contains(value[end])); ++end) {
      if (value[end] == '{') ++depth;
      if (value[end] == '}') --depth;
    }
    items.push_back(value.substr(at, end - at));
    at = value.find_first_not_of(separators, end);
  }
  return items;
}

}  // namespace config
