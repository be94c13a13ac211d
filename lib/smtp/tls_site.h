#pragma once
// What a server offers and demands in TLS, made once, before the chroot; and what it logs of a connection.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/maps/table.h"
#include "lib/smtp/tls_level.h"
#include "lib/smtp/tls_log_levels.h"
#include "lib/tls/context.h"
#include "lib/tls/facts.h"

namespace smtp {

struct TlsSite {
  // From the server's parameters.
  struct Wishes {
    TlsLevel level = TlsLevel::none;
    bool requires_certificate = false;           // *_tls_req_ccert; counts only where TLS is demanded
    std::string log_parameter;                   // "smtpd_tls_loglevel"
    std::string log_level;                       // its value
    std::string log_level_maps = {};             // *_tls_loglevel_maps
    std::string names;                           // tls_server_sni_maps
    tls::ServerSettings settings;
  };

  TlsLevel level = TlsLevel::none;
  bool demands_certificate = false;
  TlsLogLevels log_levels;
  std::unique_ptr<tls::ServerContext> context;   // null: not offered, or it could not be made, which has been logged

  // `watch_file` is told the files whose change is to be noticed. `tables` outlives the site.
  static Result<TlsSite> make(maps::Tables& tables, Wishes wishes, const std::function<void(const std::string&)>& watch_file);

  // `client` as the log names him: "name[address]".
  static void log_start(std::string_view client, tls::Detail detail);
  void log_connection(std::string_view client, const tls::Facts& facts, tls::Detail detail) const;
  // He has shown the certificate that is demanded, or none is.
  [[nodiscard]] bool is_satisfied_by(const tls::Facts& facts) const;
};

// Whether this may be asked for as the name of a server (SNI).
[[nodiscard]] bool is_server_name(std::string_view name);

}  // namespace smtp
