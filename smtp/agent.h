#pragma once
// smtp(8) as a service, under its own name or as lmtp: what its process holds while it serves qmgr(8), many deliveries at a
// time.

#include <memory>
#include <string>

#include "lib/delivery/recorder.h"
#include "lib/dns/resolver.h"
#include "lib/ipc/trace_source.h"
#include "lib/maps/table.h"
#include "lib/server/service.h"
#include "smtp/attempt.h"
#include "smtp/connection_cache.h"
#include "smtp/generic.h"
#include "smtp/route.h"
#include "smtp/sasl.h"
#include "smtp/smtp_params.h"
#include "smtp/require_tls.h"
#include "smtp/tls_policy.h"
#include "smtp/tls_sessions.h"

namespace smtp {

class Agent final : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup, Protocol protocol);

  void serve(server::Connection& connection) override;
  void draining() override { cache_.close_all(); }

  struct Parts {
    Protocol protocol;
    Params params;
    RouteSettings route;
    std::unique_ptr<dns::Resolver> resolver;
    std::unique_ptr<maps::Tables> tables;
    TlsSite tls;
    DaneSettings dane;
    RequireTlsPolicy require_tls;
    std::string report_socket;
    SaslSite sasl;
    maps::Maps ehlo_discard_maps;
    maps::Maps pix_workaround_maps;
    maps::MatchList cached_destinations;
    maps::MatchList debug_peers;
    GenericMaps generic;
    ContentCheckMaps checks;
    delivery::StatusFilter status_filter;
    std::uint16_t default_port;
    config::KnownPorts ports;
    queue::FlushSites flush_sites;
    maps::Maps reply_filter;
    delivery::NoticeSite notice_site;
  };
  Agent(Parts parts, ipc::Connections& services, const base::Clock& clock);

 private:
  Parts parts_;
  Router router_;
  Dane dane_;
  ConnectionCache cache_;
  ipc::Connections& services_;
  TlsSessions tls_sessions_;
  ipc::TraceSource tls_traces_;
  delivery::BounceClient sink_;
  delivery::SessionNotices notices_;
  const base::Clock& clock_;
};

}  // namespace smtp
