#pragma once
// The server that knows who may log in, of whatever kind smtpd_sasl_type says. It has mechanisms, and one exchange for each
// login; what client and server say to each other is base64 here.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/auth/client.h"
#include "lib/auth/mechanism.h"
#include "lib/base/error.h"

namespace smtpd {

class LoginExchange {
 public:
  LoginExchange() = default;
  LoginExchange(const LoginExchange&) = delete;
  LoginExchange& operator=(const LoginExchange&) = delete;
  virtual ~LoginExchange() = default;
  // The error: the server is gone; the exchange is over.
  [[nodiscard]] virtual Result<auth::Answer> go_on(std::string_view response) = 0;
};

class LoginServer {
 public:
  LoginServer() = default;
  LoginServer(const LoginServer&) = delete;
  LoginServer& operator=(const LoginServer&) = delete;
  virtual ~LoginServer() = default;

  // The error: nobody knows now.
  [[nodiscard]] virtual Result<std::vector<auth::Mechanism>> mechanisms() = 0;
  struct Started {
    std::unique_ptr<LoginExchange> exchange;
    auth::Answer answer;
  };
  [[nodiscard]] virtual Result<Started> start(const auth::Attempt& attempt) = 0;
};

// smtpd_sasl_type = dovecot: authd(8), or Dovecot's service. `path` is smtpd_sasl_path.
[[nodiscard]] Result<std::unique_ptr<LoginServer>> make_dovecot_server(std::string_view path);

// smtpd_sasl_type = cyrus: saslauthd, as NAME.conf in one of the directories of `config_path` says. The error: that file wants
// what is not there.
struct CyrusSettings {
  std::string config_path;    // cyrus_sasl_config_path
  std::string name;           // smtpd_sasl_path
  std::string service;        // smtpd_sasl_service
  std::string local_domain;   // smtpd_sasl_local_domain
};
[[nodiscard]] Result<std::unique_ptr<LoginServer>> make_cyrus_server(const CyrusSettings& settings);

}  // namespace smtpd
