// The names of the restriction language. A new restriction is a row here and a function in its family's file.

#include <algorithm>
#include <array>

#include "lib/base/ascii.h"
#include "smtpd/policy/restriction.h"

namespace smtpd::policy {
namespace {

constexpr std::array rows{
    //  name                          check                        guard
    Row{"defer",                      &defer,                      Guard::relay},
    Row{"defer_unauth_destination",   &defer_unauth_destination,   Guard::relay},
    Row{"permit",                     &permit,                     Guard::none},
    Row{"permit_auth_destination",    &permit_auth_destination,    Guard::none},
    Row{"permit_mynetworks",          &permit_mynetworks,          Guard::none},
    Row{"permit_sasl_authenticated",  &permit_sasl_authenticated,  Guard::none},
    Row{"reject",                     &reject,                     Guard::relay},
    Row{"reject_unauth_destination",  &reject_unauth_destination,  Guard::relay},
    Row{"reject_unlisted_recipient",  &reject_unlisted_recipient,  Guard::none},
    Row{"reject_unlisted_sender",     &reject_unlisted_sender,     Guard::none},
};

constexpr std::array not_yet{std::to_array<std::string_view>({
    "check_ccert_access", "check_client_a_access", "check_client_access", "check_client_mx_access",
    "check_client_ns_access", "check_etrn_access", "check_helo_a_access", "check_helo_access", "check_helo_mx_access",
    "check_helo_ns_access", "check_policy_service", "check_recipient_a_access", "check_recipient_access",
    "check_recipient_maps", "check_recipient_mx_access", "check_recipient_ns_access",
    "check_reverse_client_hostname_a_access", "check_reverse_client_hostname_access",
    "check_reverse_client_hostname_mx_access", "check_reverse_client_hostname_ns_access", "check_sasl_access",
    "check_sender_a_access", "check_sender_access", "check_sender_mx_access", "check_sender_ns_access",
    "defer_if_permit", "defer_if_reject", "permit_dnswl_client", "permit_inet_interfaces", "permit_mx_backup",
    "permit_rhswl_client", "permit_tls_all_clientcerts", "permit_tls_clientcerts",
    "reject_authenticated_sender_login_mismatch", "reject_invalid_helo_hostname", "reject_invalid_hostname",
    "reject_known_sender_login_mismatch", "reject_multi_recipient_bounce", "reject_non_fqdn_helo_hostname",
    "reject_non_fqdn_hostname", "reject_non_fqdn_recipient", "reject_non_fqdn_sender", "reject_plaintext_session",
    "reject_rbl_client", "reject_rhsbl_client", "reject_rhsbl_helo", "reject_rhsbl_recipient",
    "reject_rhsbl_reverse_client", "reject_rhsbl_sender", "reject_sender_login_mismatch", "reject_unauth_pipelining",
    "reject_unauthenticated_sender_login_mismatch", "reject_unknown_address", "reject_unknown_client",
    "reject_unknown_client_hostname", "reject_unknown_forward_client_hostname", "reject_unknown_helo_hostname",
    "reject_unknown_hostname", "reject_unknown_recipient_domain", "reject_unknown_reverse_client_hostname",
    "reject_unknown_sender_domain", "reject_unverified_recipient",
    "reject_unverified_sender", "sleep",
})};

static_assert(std::ranges::is_sorted(rows, {}, &Row::name));
static_assert(std::ranges::is_sorted(not_yet));

}  // namespace

const Row* find_row(std::string_view name) {
  const auto found = std::ranges::find_if(rows, [&](const Row& row) { return ascii::equal_ignoring_case(row.name, name); });
  return found == rows.end() ? nullptr : &*found;
}

bool is_not_yet_honoured(std::string_view name) {
  return std::ranges::any_of(not_yet, [&](std::string_view entry) { return ascii::equal_ignoring_case(entry, name); });
}

}  // namespace smtpd::policy
