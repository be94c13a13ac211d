#include "lib/config/restriction_names.h"

#include <algorithm>

#include "lib/base/ascii.h"

namespace config {

namespace {

constexpr RestrictionName names[] = {
    {"check_ccert_access", false},
    {"check_client_a_access", false},
    {"check_client_access", false},
    {"check_client_mx_access", false},
    {"check_client_ns_access", false},
    {"check_etrn_access", false},
    {"check_helo_a_access", false},
    {"check_helo_access", false},
    {"check_helo_mx_access", false},
    {"check_helo_ns_access", false},
    {"check_policy_service", false},
    {"check_recipient_a_access", false},
    {"check_recipient_access", false},
    {"check_recipient_maps", false},
    {"check_recipient_mx_access", false},
    {"check_recipient_ns_access", false},
    {"check_reverse_client_hostname_a_access", false},
    {"check_reverse_client_hostname_access", false},
    {"check_reverse_client_hostname_mx_access", false},
    {"check_reverse_client_hostname_ns_access", false},
    {"check_sasl_access", false},
    {"check_sender_a_access", false},
    {"check_sender_access", false},
    {"check_sender_mx_access", false},
    {"check_sender_ns_access", false},
    {"defer", true},
    {"defer_if_permit", false},
    {"defer_if_reject", false},
    {"defer_unauth_destination", true},
    {"permit", true},
    {"permit_auth_destination", true},
    {"permit_dnswl_client", false},
    {"permit_inet_interfaces", false},
    {"permit_mx_backup", false},
    {"permit_mynetworks", true},
    {"permit_rhswl_client", false},
    {"permit_sasl_authenticated", true},
    {"permit_tls_all_clientcerts", false},
    {"permit_tls_clientcerts", false},
    {"reject", true},
    {"reject_authenticated_sender_login_mismatch", false},
    {"reject_invalid_helo_hostname", false},
    {"reject_invalid_hostname", false},
    {"reject_known_sender_login_mismatch", false},
    {"reject_multi_recipient_bounce", false},
    {"reject_non_fqdn_helo_hostname", false},
    {"reject_non_fqdn_hostname", false},
    {"reject_non_fqdn_recipient", false},
    {"reject_non_fqdn_sender", false},
    {"reject_plaintext_session", false},
    {"reject_rbl_client", false},
    {"reject_rhsbl_client", false},
    {"reject_rhsbl_helo", false},
    {"reject_rhsbl_recipient", false},
    {"reject_rhsbl_reverse_client", false},
    {"reject_rhsbl_sender", false},
    {"reject_sender_login_mismatch", false},
    {"reject_unauth_destination", true},
    {"reject_unauth_pipelining", false},
    {"reject_unauthenticated_sender_login_mismatch", false},
    {"reject_unknown_address", false},
    {"reject_unknown_client", false},
    {"reject_unknown_client_hostname", false},
    {"reject_unknown_forward_client_hostname", false},
    {"reject_unknown_helo_hostname", false},
    {"reject_unknown_hostname", false},
    {"reject_unknown_recipient_domain", false},
    {"reject_unknown_reverse_client_hostname", false},
    {"reject_unknown_sender_domain", false},
    {"reject_unlisted_recipient", true},
    {"reject_unlisted_sender", true},
    {"reject_unverified_recipient", false},
    {"reject_unverified_sender", false},
    {"sleep", false},
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
