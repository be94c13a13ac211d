#include "lib/front/gate.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lib/log/log.h"

namespace front {

Gate::Gate(server::Startup& startup, Settings settings, auth::Client auth, std::unique_ptr<server::PeerNames> peer_names)
    : settings_(std::move(settings)),
      services_(startup.services),
      anvil_(startup.services),
      clock_(startup.clock),
      session_tickets_(startup.services, settings_.tlsmgr_service, startup.service),
      auth_(std::move(auth)),
      peer_names_(std::move(peer_names)),
      tables_(std::make_unique<maps::Tables>(startup.table_options())) {}

Result<std::unique_ptr<Gate>> Gate::open(server::Startup& startup, Settings settings) {
  auto auth = TRY(auth::Client::to("private/" + settings.auth_service));
  auto names = TRY(server::make_peer_names(startup.clock));
  settings.tls.service = startup.service;
  std::unique_ptr<Gate> gate(new Gate(startup, std::move(settings), std::move(auth), std::move(names)));
  TRY(gate->open_tls(startup));
  return gate;
}

// A site without a certificate has no TLS at level "may". Where TLS is demanded, it is told, and no client gets further than that.
Result<void> Gate::open_tls(server::Startup& startup) {
  smtp::TlsLevel level = TRY(smtp::tls_level(settings_.level_parameter, settings_.security_level, false, false));
  if (settings_.is_wrapped) level = smtp::TlsLevel::encrypt;
  if (level == smtp::TlsLevel::may && settings_.tls.credentials.empty()) level = smtp::TlsLevel::none;
  site_ = TRY(smtp::TlsSite::make(*tables_,
                                  {.level = level,
                                   .requires_certificate = false,
                                   .log_parameter = settings_.service + "d_tls_loglevel",
                                   .log_level = settings_.tls_log_level,
                                   .names = settings_.tls_names,
                                   .settings = settings_.tls},
                                  startup.watch_file));
  return {};
}

std::vector<auth::Mechanism> Gate::mechanisms(Channel channel) {
  auto offered = auth_.mechanisms();
  if (!offered) {
    const bool is_missing = offered.error().code() == ENOENT || offered.error().code() == ECONNREFUSED;
    maillog::warning("SASL: {}{}", offered.error().message(), is_missing ? ": authd(8) has no line for it in master.cf" : "");
    return {};
  }
  std::erase_if(*offered, [&](const auth::Mechanism& mechanism) {
    const auto has = [&](auth::Property property) { return (mechanism.properties & property) != auth::Property::none; };
    if (has(auth::Property::channel_binding) ? !channel.has_binding : has(auth::Property::hidden)) return true;
    return has(auth::Property::plaintext) && !takes_cleartext(channel);
  });
  return std::move(*offered);
}

}  // namespace front
