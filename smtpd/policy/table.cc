// The names of the restriction language. A new restriction is a row here, a function in its family's file, and a case of
// test/system/test_access*.py.

#include <algorithm>
#include <array>

#include "lib/base/ascii.h"
#include "smtpd/policy/restriction.h"

namespace smtpd::policy {
namespace {

using enum Argument;

constexpr std::array rows{
    //  name                                            check                                           argument      guard
    Row{"check_ccert_access",                           &check_ccert_access,                            certificates, Guard::none},
    Row{"check_client_a_access",                        &check_client_a_access,                         table,        Guard::none},
    Row{"check_client_access",                          &check_client_access,                           table,        Guard::none},
    Row{"check_client_mx_access",                       &check_client_mx_access,                        table,        Guard::none},
    Row{"check_client_ns_access",                       &check_client_ns_access,                        table,        Guard::none},
    Row{"check_etrn_access",                            &check_etrn_access,                             table,        Guard::none},
    Row{"check_helo_a_access",                          &check_helo_a_access,                           table,        Guard::none},
    Row{"check_helo_access",                            &check_helo_access,                             table,        Guard::none},
    Row{"check_helo_mx_access",                         &check_helo_mx_access,                          table,        Guard::none},
    Row{"check_helo_ns_access",                         &check_helo_ns_access,                          table,        Guard::none},
    Row{"check_policy_service",                         &check_policy_service,                          service,      Guard::none},
    Row{"check_recipient_a_access",                     &check_recipient_a_access,                      table,        Guard::none},
    Row{"check_recipient_access",                       &check_recipient_access,                        table,        Guard::none},
    Row{"check_recipient_maps",                         &reject_unlisted_recipient,                     none,         Guard::none},
    Row{"check_recipient_mx_access",                    &check_recipient_mx_access,                     table,        Guard::none},
    Row{"check_recipient_ns_access",                    &check_recipient_ns_access,                     table,        Guard::none},
    Row{"check_reverse_client_hostname_a_access",       &check_reverse_client_hostname_a_access,        table,        Guard::none},
    Row{"check_reverse_client_hostname_access",         &check_reverse_client_hostname_access,          table,        Guard::none},
    Row{"check_reverse_client_hostname_mx_access",      &check_reverse_client_hostname_mx_access,       table,        Guard::none},
    Row{"check_reverse_client_hostname_ns_access",      &check_reverse_client_hostname_ns_access,       table,        Guard::none},
    Row{"check_sasl_access",                            &check_sasl_access,                             table,        Guard::none},
    Row{"check_sender_a_access",                        &check_sender_a_access,                         table,        Guard::none},
    Row{"check_sender_access",                          &check_sender_access,                           table,        Guard::none},
    Row{"check_sender_mx_access",                       &check_sender_mx_access,                        table,        Guard::none},
    Row{"check_sender_ns_access",                       &check_sender_ns_access,                        table,        Guard::none},
    Row{"defer",                                        &defer,                                         none,         Guard::relay},
    Row{"defer_if_permit",                              &defer_if_permit,                               none,         Guard::relay},
    Row{"defer_if_reject",                              &defer_if_reject,                               none,         Guard::none},
    Row{"defer_unauth_destination",                     &defer_unauth_destination,                      none,         Guard::relay},
    Row{"permit",                                       &permit,                                        none,         Guard::none, Permits::the_list},
    Row{"permit_auth_destination",                      &permit_auth_destination,                       none,         Guard::none, Permits::the_recipient},
    Row{"permit_dnswl_client",                          &permit_dnswl_client,                           domain,       Guard::none, Permits::the_client},
    Row{"permit_inet_interfaces",                       &permit_inet_interfaces,                        none,         Guard::none, Permits::the_client},
    Row{"permit_mx_backup",                             &permit_mx_backup,                              none,         Guard::none, Permits::the_recipient},
    Row{"permit_mynetworks",                            &permit_mynetworks,                             none,         Guard::none, Permits::the_client},
    Row{"permit_rhswl_client",                          &permit_rhswl_client,                           domain,       Guard::none, Permits::the_client},
    Row{"permit_sasl_authenticated",                    &permit_sasl_authenticated,                     none,         Guard::none, Permits::the_client},
    Row{"permit_tls_all_clientcerts",                   &permit_tls_all_clientcerts,                    none,         Guard::none, Permits::the_client},
    Row{"permit_tls_clientcerts",                       &permit_tls_clientcerts,                        none,         Guard::none, Permits::the_client},
    Row{"reject",                                       &reject,                                        none,         Guard::relay},
    Row{"reject_authenticated_sender_login_mismatch",   &reject_authenticated_sender_login_mismatch,    none,         Guard::none},
    Row{"reject_invalid_helo_hostname",                 &reject_invalid_helo_hostname,                  none,         Guard::none},
    Row{"reject_invalid_hostname",                      &reject_invalid_helo_hostname,                  none,         Guard::none},
    Row{"reject_known_sender_login_mismatch",           &reject_known_sender_login_mismatch,            none,         Guard::none},
    Row{"reject_multi_recipient_bounce",                &reject_multi_recipient_bounce,                 none,         Guard::none},
    Row{"reject_non_fqdn_helo_hostname",                &reject_non_fqdn_helo_hostname,                 none,         Guard::none},
    Row{"reject_non_fqdn_hostname",                     &reject_non_fqdn_helo_hostname,                 none,         Guard::none},
    Row{"reject_non_fqdn_recipient",                    &reject_non_fqdn_recipient,                     none,         Guard::none},
    Row{"reject_non_fqdn_sender",                       &reject_non_fqdn_sender,                        none,         Guard::none},
    Row{"reject_plaintext_session",                     &reject_plaintext_session,                      none,         Guard::none},
    Row{"reject_rbl_client",                            &reject_rbl_client,                             domain,       Guard::none},
    Row{"reject_rhsbl_client",                          &reject_rhsbl_client,                           domain,       Guard::none},
    Row{"reject_rhsbl_helo",                            &reject_rhsbl_helo,                             domain,       Guard::none},
    Row{"reject_rhsbl_recipient",                       &reject_rhsbl_recipient,                        domain,       Guard::none},
    Row{"reject_rhsbl_reverse_client",                  &reject_rhsbl_reverse_client,                   domain,       Guard::none},
    Row{"reject_rhsbl_sender",                          &reject_rhsbl_sender,                           domain,       Guard::none},
    Row{"reject_sender_login_mismatch",                 &reject_sender_login_mismatch,                  none,         Guard::none},
    Row{"reject_unauth_destination",                    &reject_unauth_destination,                     none,         Guard::relay},
    Row{"reject_unauth_pipelining",                     &reject_unauth_pipelining,                      none,         Guard::none},
    Row{"reject_unauthenticated_sender_login_mismatch", &reject_unauthenticated_sender_login_mismatch,  none,         Guard::none},
    Row{"reject_unknown_address",                       &reject_unknown_sender_domain,                  none,         Guard::none},
    Row{"reject_unknown_client",                        &reject_unknown_client_hostname,                none,         Guard::none},
    Row{"reject_unknown_client_hostname",               &reject_unknown_client_hostname,                none,         Guard::none},
    Row{"reject_unknown_helo_hostname",                 &reject_unknown_helo_hostname,                  none,         Guard::none},
    Row{"reject_unknown_hostname",                      &reject_unknown_helo_hostname,                  none,         Guard::none},
    Row{"reject_unknown_recipient_domain",              &reject_unknown_recipient_domain,               none,         Guard::none},
    Row{"reject_unknown_reverse_client_hostname",       &reject_unknown_reverse_client_hostname,        none,         Guard::none},
    Row{"reject_unknown_sender_domain",                 &reject_unknown_sender_domain,                  none,         Guard::none},
    Row{"reject_unlisted_recipient",                    &reject_unlisted_recipient,                     none,         Guard::none},
    Row{"reject_unlisted_sender",                       &reject_unlisted_sender,                        none,         Guard::none},
    Row{"reject_unverified_recipient",                  &reject_unverified_recipient,                   none,         Guard::none},
    Row{"reject_unverified_sender",                     &reject_unverified_sender,                      none,         Guard::none},
    Row{"sleep",                                        &sleep,                                         number,       Guard::none},
};

static_assert(std::ranges::is_sorted(rows, {}, &Row::name));

}  // namespace

const Row* find_row(std::string_view name) {
  const auto found = std::ranges::find_if(rows, [&](const Row& row) { return ascii::equal_ignoring_case(row.name, name); });
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace smtpd::policy
