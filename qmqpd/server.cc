#include "qmqpd/server.h"

#include <ctime>

#include "lib/base/ascii.h"
#include "lib/maps/list.h"
#include "qmqpd/session.h"

namespace qmqpd {
namespace {

bool has_word(std::string_view list, std::string_view wanted) {
  for (const std::string_view item : ascii::split(list, ", \t\r\n")) {
    if (ascii::equal_ignoring_case(item, wanted)) return true;
  }
  return false;
}

}  // namespace

Server::Server(server::Startup& startup, Params params)
    : params_(std::move(params)),
      maps_(std::make_unique<maps::Tables>(startup.table_options())),
      services_(startup.services),
      clock_(startup.clock) {
  const std::string& classes = params_.smtputf8_autodetect_classes;
  if (params_.smtputf8_enable && (has_word(classes, "qmqpd") || has_word(classes, "all"))) {
    flags_ = flags_ | ipc::CleanupFlags::autodetect_smtputf8;
  }
}

Result<std::unique_ptr<server::Service>> Server::make(server::Startup& startup) {
  ::tzset();  // the zone of dates, before the chroot hides its file
  std::unique_ptr<Server> server(new Server(startup, TRY(Params::load(startup.main))));
  constexpr std::string_view parameter = "qmqpd_authorized_clients";
  server->authorized_ = TRY(maps::MatchList::parse(*server->maps_, parameter, server->params_.qmqpd_authorized_clients,
                                                   maps::ListKind::address,
                                                   maps::parents_match(server->params_.parent_domain_matches_subdomains, parameter)));
  server->peer_names_ = TRY(server::make_peer_names(startup.clock));
  return server;
}

void Server::serve(server::Connection& connection) { Session(*this, connection).run(); }

}  // namespace qmqpd
