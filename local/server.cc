#include "local/server.h"

#include <utility>

#include "lib/base/ascii.h"
#include "lib/delivery/delivered_to.h"
#include "lib/log/log.h"
#include "lib/mailbox/environment.h"
#include "lib/mailbox/spawner.h"
#include "lib/maps/list.h"
#include "local/expansion.h"

namespace local {
namespace {

Result<void> open_tables(Agent& agent, const server::Startup& startup) {
  agent.tables = std::make_unique<maps::Tables>(startup.table_options());
  // $1 of an expression in an alias table could name a command.
  const auto flags = maps::Flags::fold_keys | maps::security_sensitive |
                     (agent.params.smtputf8_enable ? maps::Flags::utf8 : maps::Flags::none);
  for (const std::string_view name : maps::split_list(agent.params.alias_maps)) {
    agent.alias_tables.push_back({std::string(name), TRY(maps::Maps::open(*agent.tables, "alias_maps", name, flags))});
  }
  agent.mailbox_command_maps =
      TRY(maps::Maps::open(*agent.tables, "mailbox_command_maps", agent.params.mailbox_command_maps, flags));
  agent.mailbox_passing = {"mailbox_transport_maps",
                           TRY(maps::Maps::open(*agent.tables, "mailbox_transport_maps", agent.params.mailbox_transport_maps,
                                                maps::Flags::fold_keys | maps::Flags::no_substitution)),
                           agent.params.mailbox_transport};
  agent.fallback_passing = {"fallback_transport_maps",
                            TRY(maps::Maps::open(*agent.tables, "fallback_transport_maps", agent.params.fallback_transport_maps,
                                                 maps::Flags::fold_keys | maps::Flags::no_substitution)),
                            agent.params.fallback_transport};
  agent.quotas = TRY(store::QuotaRules::open(*agent.tables, agent.params.mail_quota, agent.params.mail_quota_maps));
  agent.status_filter =
      TRY(delivery::StatusFilter::open(*agent.tables, "local_delivery_status_filter", agent.params.local_delivery_status_filter));
  agent.flush_sites = TRY(queue::FlushSites::open(startup.main, agent.params, &startup.services));
  return {};
}

Result<void> check_limits(const Params& params) {
  if (params.mailbox_size_limit == 0) return {};
  if (params.message_size_limit == 0) {
    return base::fail("main.cf configuration error: mailbox_size_limit is not zero but message_size_limit is zero");
  }
  if (params.mailbox_size_limit < params.message_size_limit) {
    return base::fail("configuration error: mailbox_size_limit is smaller than message_size_limit");
  }
  return {};
}

Result<mailbox::LockMethods> mailbox_locks(const Params& params) {
  mailbox::LockMethods locks = TRY(mailbox::parse_lock_methods(params.mailbox_delivery_lock));
  if (params.sun_mailtool_compatibility) {
    maillog::warning("sun_mailtool_compatibility: deprecated parameter, use \"mailbox_delivery_lock = dotlock\" instead");
    locks.fcntl = false;
  }
  if (locks.fcntl || locks.flock || locks.dotlock) return locks;
  return base::fail("parameter mailbox_delivery_lock specifies no applicable mailbox locking method");
}

}  // namespace

Result<std::unique_ptr<server::Service>> Server::make(server::Startup& startup) {
  Agent agent(TRY(Params::load(startup.main)), startup.clock);
  const Params& params = agent.params;
  TRY(check_limits(params));
  agent.config_directory = startup.main.directory();
  const std::vector<std::string_view> origins{"alias", "forward", "include"};
  agent.allow_commands = TRY(Words::parse("allow_mail_to_commands", params.allow_mail_to_commands, origins));
  agent.allow_files = TRY(Words::parse("allow_mail_to_files", params.allow_mail_to_files, origins));
  agent.prepend = TRY(Words::parse("prepend_delivered_header", params.prepend_delivered_header, {"command", "file", "forward"}));
  agent.propagate = TRY(Words::parse("propagate_unmatched_extensions", params.propagate_unmatched_extensions,
                                     {"alias", "canonical", "forward", "generic", "include", "virtual"}));
  agent.locks = TRY(mailbox_locks(params));
  agent.patience = {params.deliver_lock_attempts, params.deliver_lock_delay, params.stale_lock_time};
  agent.default_rights = TRY(default_rights(params.default_privs, params.mail_owner));
  agent.exported_environment = mailbox::exported_environment(params.export_environment);
  // The spawner is forked before tables and pools have threads of their own.
  Fd spawner = TRY(mailbox::start_spawner({.root = {}, .quota = &store::quota_books}));
  TRY(open_tables(agent, startup));
  return std::unique_ptr<server::Service>(new Server(startup, std::move(agent), std::move(spawner)));
}

Server::Server(server::Startup& startup, Agent agent, Fd spawner)
    : agent_(std::move(agent)), addresses_(startup.services, startup.clock, "private/" + agent_.params.rewrite_service_name), workers_(std::move(spawner)) {
  agent_.services = &startup.services;
  agent_.addresses = &addresses_;
  agent_.workers = &workers_;
}

void Server::started() { workers_.start_housekeeping(); }

void Server::serve(server::Connection& connection) {
  server::serve_requests<ipc::Deliver>(connection, [this](const ipc::DeliveryRequest& request) { return deliver(request); });
}

ipc::DeliveryAnswer Server::deliver(const ipc::DeliveryRequest& request) {
  delivery::BounceClient sink(*agent_.services, delivery::LogSockets::of(agent_.params), &agent_.flush_sites);
  delivery::Recorder recorder(request, sink, *agent_.clock,
                              {agent_.params.soft_bounce, agent_.params.delay_logging_resolution_limit, &agent_.status_filter});
  const auto delivered_to = delivery::DeliveredTo::read(request.file.get(), request.data_offset);
  for (const ipc::DeliveryRecipient& recipient : request.recipients) {
    if (!delivered_to) {
      delivery::Delivery damaged;
      damaged.dsn = {4, 3, 0};
      damaged.relay = "local";
      damaged.reason = "queue file: " + delivered_to.error().message();
      recorder.record(recipient, damaged);
      continue;
    }
    const delivery::Status status = Expansion(agent_, request, recorder, recipient, *delivered_to).run();
    if (status != delivery::Status::deferred) recorder.complete(recipient);
  }
  return recorder.answer();
}

}  // namespace local
