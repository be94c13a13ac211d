// pop3d: the POP3 server before the login. It reads the network and trusts nobody; it asks authd who somebody is, and hands who
// has logged in to pop3d-owner, with authd's ticket. It sees no mailbox and no password file, and keeps no privilege after its
// start: certificates are open by then. When it dies its clients see a closed connection, but those who have logged in without TLS:
// their sockets are their sessions'. Nothing is deleted without QUIT.

#include "lib/front/front.h"
#include "lib/server/service.h"
#include "pop3d/pop3d_params.h"
#include "pop3d/login.h"

namespace {

using pop3d::Params;

constexpr front::Protocol<Params> protocol{.service = "pop3",
                                           .level_parameter = "pop3d_tls_security_level",
                                           .bad_commands_limit = 3,
                                           .owner_service = &Params::pop3d_owner_service_name,
                                           .security_level = &Params::pop3d_tls_security_level,
                                           .is_wrapped = &Params::pop3d_tls_wrappermode,
                                           .tls_log_level = &Params::pop3d_tls_loglevel,
                                           .chain_files = &Params::pop3d_tls_chain_files,
                                           .cert_file = &Params::pop3d_tls_cert_file,
                                           .key_file = &Params::pop3d_tls_key_file,
                                           .eccert_file = &Params::pop3d_tls_eccert_file,
                                           .eckey_file = &Params::pop3d_tls_eckey_file,
                                           .ca_file = &Params::pop3d_tls_CAfile,
                                           .protocols = &Params::pop3d_tls_protocols,
                                           .ciphers = &Params::pop3d_tls_ciphers,
                                           .exclude_ciphers = &Params::pop3d_tls_exclude_ciphers,
                                           .looks_up_names = &Params::pop3d_peername_lookup,
                                           .login_timeout = &Params::pop3d_login_timeout,
                                           .connections_limit = &Params::pop3d_client_connection_count_limit,
                                           .failures_limit = &Params::pop3d_hard_error_limit};

}  // namespace

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "pop3d",
                         .kind = server::Kind::sessions,
                         .needs = {.connects_unix = true, .connects_inet = true, .accepts = true, .reads_files = true},
                         .make = [](server::Startup& startup) { return front::Front<Params, pop3d::Login>::make(startup, protocol); },
                     });
}
