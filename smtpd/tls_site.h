#pragma once
// What this service offers and demands in TLS; made once, before the chroot.

#include <functional>
#include <string>

#include "lib/smtp/tls_site.h"
#include "smtpd/smtpd_params.h"

namespace smtpd {

using smtp::TlsLevel;

struct TlsSite : smtp::TlsSite {
  bool is_wrapped = false;   // smtpd_tls_wrappermode: the handshake comes before the greeting

  // The error: a level that there is not. `watch_file` and `tables` as for smtp::TlsSite.
  static Result<TlsSite> make(maps::Tables& tables, const Params& params, const std::string& service,
                              const std::function<void(const std::string&)>& watch_file);
};

// The lines of a Received: header about the connection, each with its '\n' and tab in front.
[[nodiscard]] std::string received_lines(const tls::Facts& facts, bool asked_certificate);

}  // namespace smtpd
