#pragma once
// A front as a service: one for each protocol, which gives its parameters and the dialogue before the login.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "lib/front/client.h"
#include "lib/front/gate.h"
#include "lib/server/service.h"
#include "lib/tls/settings.h"

namespace front {

// What a protocol has of its own: its names, and its parameters by their names in the program's Params.
template <class Params>
struct Protocol {
  std::string_view service;           // "imap", as authd, the log and ALPN have it
  std::string_view level_parameter;   // "imapd_tls_security_level"
  int bad_commands_limit;             // that a client may send before he is sent away
  std::string Params::*owner_service;
  std::string Params::*security_level;
  bool Params::*is_wrapped;
  std::string Params::*tls_log_level;
  std::string Params::*chain_files;
  std::string Params::*cert_file;
  std::string Params::*key_file;
  std::string Params::*eccert_file;
  std::string Params::*eckey_file;
  std::string Params::*ca_file;
  std::string Params::*protocols;
  std::string Params::*ciphers;
  std::string Params::*exclude_ciphers;
  bool Params::*looks_up_names;
  std::chrono::seconds Params::*login_timeout;
  int Params::*connections_limit;
  int Params::*failures_limit;
};

template <class Params>
Settings settings_of(const Params& params, const Protocol<Params>& own) {
  return {.service = std::string(own.service),
          .auth_service = params.auth_service_name,
          .owner_service = params.*own.owner_service,
          .tlsmgr_service = params.tlsmgr_service_name,
          .security_level = params.*own.security_level,
          .level_parameter = std::string(own.level_parameter),
          .is_wrapped = params.*own.is_wrapped,
          .tls_log_level = params.*own.tls_log_level,
          .tls_names = params.tls_server_sni_maps,
          .tls = {.common = tls::common_settings(params),
                  .credentials = {.chain_files = params.*own.chain_files,
                                  .rsa = {params.*own.cert_file, params.*own.key_file},
                                  .dsa = {},
                                  .ec = {params.*own.eccert_file, params.*own.eckey_file}},
                  .ca_file = params.*own.ca_file,
                  .ca_path = {},
                  .protocols = params.*own.protocols,
                  .cipher_grade = params.*own.ciphers,
                  .exclude_ciphers = params.*own.exclude_ciphers,
                  .dh_file = params.smtpd_tls_dh1024_param_file,
                  .prefers_own_ciphers = params.tls_preempt_cipherlist,
                  .fingerprint_digest = "sha256",
                  .session_lifetime = params.smtpd_tls_session_cache_timeout,
                  .ticket_cipher = params.tls_session_ticket_cipher,
                  .service = {},
                  .find_chain = {},
                  .alpn_name = std::string(own.service)},
          .allows_cleartext = params.auth_allow_cleartext,
          .looks_up_names = params.*own.looks_up_names,
          .login_timeout = params.*own.login_timeout,
          .connections_limit = params.*own.connections_limit,
          .failures_limit = params.*own.failures_limit,
          .bad_commands_limit = own.bad_commands_limit};
}

// `Login` is made of the gate, the parameters and the connection. It has client(), talk(), and what who is one too many hears.
template <class Params, class Login>
class Front final : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup, const Protocol<Params>& own) {
    Params params = TRY(Params::load(startup.main));
    auto gate = TRY(Gate::open(startup, settings_of(params, own)));
    return std::make_unique<Front>(std::move(params), std::move(gate));
  }
  Front(Params params, std::unique_ptr<Gate> gate) : params_(std::move(params)), gate_(std::move(gate)) {}

  void serve(server::Connection& connection) override {
    Login login(*gate_, params_, connection);
    Client& client = login.client();
    if (client.arrive()) {
      login.talk();
    } else if (!gate_->settings().is_wrapped) {
      // In TLS he hears nothing: a handshake would be what he is not to cost.
      login.say_too_many();
      static_cast<void>(client.stream().flush(client.deadline()));
    }
    client.depart();
  }

 private:
  Params params_;
  std::unique_ptr<Gate> gate_;
};

}  // namespace front
