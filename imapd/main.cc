// imapd: the IMAP server before the login. It reads the network and trusts nobody; it asks authd who somebody is, and hands who
// has logged in to imapd-owner, with authd's ticket. It sees no mailbox and no password file, and keeps no privilege after its
// start: certificates are open by then. When it dies its clients see a closed connection, but those who have logged in without TLS:
// their sockets are their sessions'.

#include "lib/front/front.h"
#include "lib/server/service.h"
#include "imapd/imapd_params.h"
#include "imapd/login.h"

namespace {

using imapd::Params;

constexpr front::Protocol<Params> protocol{.service = "imap",
                                           .level_parameter = "imapd_tls_security_level",
                                           .bad_commands_limit = 2,
                                           .owner_service = &Params::imapd_owner_service_name,
                                           .security_level = &Params::imapd_tls_security_level,
                                           .is_wrapped = &Params::imapd_tls_wrappermode,
                                           .tls_log_level = &Params::imapd_tls_loglevel,
                                           .chain_files = &Params::imapd_tls_chain_files,
                                           .cert_file = &Params::imapd_tls_cert_file,
                                           .key_file = &Params::imapd_tls_key_file,
                                           .eccert_file = &Params::imapd_tls_eccert_file,
                                           .eckey_file = &Params::imapd_tls_eckey_file,
                                           .ca_file = &Params::imapd_tls_CAfile,
                                           .protocols = &Params::imapd_tls_protocols,
                                           .ciphers = &Params::imapd_tls_ciphers,
                                           .exclude_ciphers = &Params::imapd_tls_exclude_ciphers,
                                           .looks_up_names = &Params::imapd_peername_lookup,
                                           .login_timeout = &Params::imapd_login_timeout,
                                           .connections_limit = &Params::imapd_client_connection_count_limit,
                                           .failures_limit = &Params::imapd_hard_error_limit};

}  // namespace

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "imapd",
                         .kind = server::Kind::sessions,
                         .needs = {.connects_unix = true, .connects_inet = true, .accepts = true, .reads_files = true},
                         .make = [](server::Startup& startup) { return front::Front<Params, imapd::Login>::make(startup, protocol); },
                     });
}
