#pragma once
// What a server offers and demands in TLS, made once, before the chroot; and what it logs of a connection.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/maps/table.h"
#include "lib/smtp/tls_level.h"
#include "lib/tls/context.h"
#include "lib/tls/facts.h"

namespace smtp {

struct TlsSite {
  // From the server's parameters.
  struct Wishes {
    TlsLevel level = TlsLevel::none;
    bool requires_certificate = false;           // *_tls_req_ccert; counts only where TLS is demanded
    std::string log_level;                       // *_tls_loglevel
    std::string names;                           // tls_server_sni_maps
    tls::ServerSettings settings;
  };

  TlsLevel level = TlsLevel::none;
  bool demands_certificate = false;
  int log_level = 0;
  std::unique_ptr<tls::ServerContext> context;   // null: not offered, or it could not be made, which has been logged

  // `watch_file` is told the files whose change is to be noticed. `tables` outlives the site.
  static Result<TlsSite> make(maps::Tables& tables, Wishes wishes, const std::function<void(const std::string&)>& watch_file);

  // `client` as the log names him: "name[address]".
  void log_start(std::string_view client) const;
  void log_connection(std::string_view client, const tls::Facts& facts) const;
  // He has shown the certificate that is demanded, or none is.
  [[nodiscard]] bool is_satisfied_by(const tls::Facts& facts) const;
};

// Whether this may be asked for as the name of a server (SNI).
[[nodiscard]] bool is_server_name(std::string_view name);

}  // namespace smtp
