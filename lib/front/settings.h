#pragma once
// What the front of a mailbox server is told. Each front fills it from its own parameters.

#include <chrono>
#include <string>

#include "lib/tls/settings.h"

namespace front {

struct Settings {
  std::string service;                 // as authd and the log know it: "imap", "pop3"
  std::string auth_service, owner_service, tlsmgr_service;   // names in master.cf
  std::string security_level;          // NAME_tls_security_level: none, may, encrypt
  std::string level_parameter;         // its name, for complaints
  bool is_wrapped = false;             // the handshake comes before the greeting
  std::string tls_log_level;           // NAME_tls_loglevel
  std::string tls_names;               // tls_server_sni_maps
  tls::ServerSettings tls;
  bool allows_cleartext = false;       // auth_allow_cleartext
  bool looks_up_names = true;
  std::chrono::seconds login_timeout{180};   // from the connection to the login
  std::chrono::seconds handshake_timeout{60};
  int connections_limit = 0;           // of one address at a time; 0: none
  int failures_limit = 10;             // failed logins of one client
  int bad_commands_limit = 10;         // of one client
};

}  // namespace front
