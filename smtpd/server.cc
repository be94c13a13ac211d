#include "smtpd/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/interfaces.h"
#include "lib/log/log.h"
#include "lib/maps/list.h"
#include "smtpd/postdrop_intake.h"
#include "smtpd/session.h"
#include "smtpd/upstream_proxy.h"

namespace smtpd {
namespace {

Result<BareNewline> parse_bare_newline(std::string_view value) {
  struct Word {
    std::string_view text;
    BareNewline meaning;
  };
  constexpr Word words[] = {{"no", BareNewline::accept},
                            {"yes", BareNewline::normalize},
                            {"normalize", BareNewline::normalize},
                            {"note", BareNewline::note},
                            {"reject", BareNewline::reject}};
  for (const Word& word : words) {
    if (ascii::equal_ignoring_case(word.text, value)) return word.meaning;
  }
  return base::fail("bad parameter value: smtpd_forbid_bare_newline = " + std::string(value));
}

Result<smtp::RejectFooter> open_footer(maps::Tables& tables, const Params& params) {
  return smtp::RejectFooter::open(tables, {.general = params.smtpd_reject_footer,
                                           .maps_parameter = "smtpd_reject_footer_maps",
                                           .maps = params.smtpd_reject_footer_maps,
                                           .expansion_filter = params.smtpd_expansion_filter});
}

}  // namespace

Result<Snapshot> Snapshot::load(const config::Main& main, maps::Tables& tables) {
  Params params = TRY(Params::load(main));
  Snapshot out = TRY(load(std::move(params), tables));
  out.lists = TRY(policy::Lists::parse(main, out.params, tables));
  out.filter = TRY(FilterSetup::load(out.params));
  out.overrides = TRY(ipc::ReceiveOverrides::parse(out.params.receive_override_options));
  out.lists.checks_recipients = out.overrides.checks_recipients;
  return out;
}

Result<Snapshot> Snapshot::load_trusting(const config::Main& main, maps::Tables& tables) {
  Params params = TRY(Params::load(main));
  params.smtpd_reject_unlisted_sender = params.smtpd_reject_unlisted_recipient = false;
  params.smtpd_forbid_bare_newline = "no";   // programs write lines for themselves here
  return load(std::move(params), tables);
}

// All but the lists.
Result<Snapshot> Snapshot::load(Params params, maps::Tables& tables) {
  Snapshot out{.params = std::move(params), .lists = {}, .forbidden_commands = {}, .noop_commands = {}, .overrides = {}, .milters = {}, .filter = {}};
  out.milters = TRY(MilterSetup::load(out.params));
  if (auto discarded = smtp::parse_ehlo_keywords(out.params.smtpd_discard_ehlo_keywords)) out.discarded = *discarded;
  else return base::Failure(std::move(discarded).error().within("smtpd_discard_ehlo_keywords"));
  out.bare_newline = TRY(parse_bare_newline(out.params.smtpd_forbid_bare_newline));
  const auto commands = [&](std::string_view parameter, std::string_view value) {
    return maps::MatchList::parse(tables, parameter, value, maps::ListKind::string, false);
  };
  out.forbidden_commands = TRY(commands("smtpd_forbidden_commands", out.params.smtpd_forbidden_commands));
  out.noop_commands = TRY(commands("smtpd_noop_commands", out.params.smtpd_noop_commands));
  return out;
}

Result<SharedTables> SharedTables::open(maps::Tables& tables, const config::Main& main, const Params& params) {
  const auto addresses = [&](std::string_view parameter, std::string_view value) {
    return maps::MatchList::parse(tables, parameter, value, maps::ListKind::address, false);
  };
  SharedTables out;
  out.policy = TRY(policy::Tables::open(tables, main, params));
  out.xclient_hosts = TRY(addresses("smtpd_authorized_xclient_hosts", params.smtpd_authorized_xclient_hosts));
  out.xforward_hosts = TRY(addresses("smtpd_authorized_xforward_hosts", params.smtpd_authorized_xforward_hosts));
  out.bare_newline_exclusions =
      TRY(addresses("smtpd_forbid_bare_newline_exclusions", params.smtpd_forbid_bare_newline_exclusions));
  out.verp_clients = TRY(addresses("smtpd_authorized_verp_clients", params.smtpd_authorized_verp_clients));
  out.event_limit_exceptions =
      TRY(addresses("smtpd_client_event_limit_exceptions", params.smtpd_client_event_limit_exceptions));
  const bool parents_match = maps::parents_match(params.parent_domain_matches_subdomains, "debug_peer_list");
  out.debug_peers = TRY(maps::MatchList::parse(tables, "debug_peer_list", params.debug_peer_list, maps::ListKind::address, parents_match));
  out.flush_sites = TRY(queue::FlushSites::open(main, params, tables.options().services));
  out.reject_footer = TRY(open_footer(tables, params));
  out.reject_filter = TRY(RejectFilter::open(tables, params));
  out.discard_ehlo_maps = TRY(maps::Maps::open(tables, "smtpd_discard_ehlo_keyword_address_maps",
                                               params.smtpd_discard_ehlo_keyword_address_maps, maps::Flags::fold_keys));
  out.command_filter = TRY(maps::Maps::open(tables, "smtpd_command_filter", params.smtpd_command_filter, maps::Flags::fold_keys));
  out.milter_maps = TRY(maps::Maps::open(tables, "smtpd_milter_maps", params.smtpd_milter_maps, maps::Flags::fold_keys));
  for (const config::Interface& interface : TRY(config::used_interfaces(main))) out.own_addresses.push_back(interface.text());
  return out;
}

Server::Server(Parts parts, ipc::Connections& services, const base::Clock& clock)
    : maps_(std::move(parts.maps)),
      normal_(std::move(parts.normal)),
      stressed_(std::move(parts.stressed)),
      tables_(std::move(parts.tables)),
      tls_(std::move(parts.tls)),
      peer_names_(std::move(parts.peer_names)),
      service_name_(std::move(parts.service_name)),
      postdrop_(std::move(parts.postdrop)),
      trust_(parts.trust),
      services_(services),
      clock_(clock),
      addresses_(services, clock, "private/" + normal_.params.rewrite_service_name),
      listed_(clock),
      anvil_(services),
      tickets_(services, normal_.params.tlsmgr_service_name, service_name_),
      traces_(services, normal_.params.tlsmgr_service_name, "smtpd"),
      sasl_(std::move(parts.sasl)),
      notices_(std::move(parts.notice_site), services, clock) {}

Result<std::unique_ptr<server::Service>> Server::make(server::Startup& startup) {
  const auto general = TRY(Params::load(startup.main));
  const std::string& protocol = general.smtpd_upstream_proxy_protocol;
  if (!protocol.empty() && protocol != "haproxy") {
    return base::fail("unsupported smtpd_upstream_proxy_protocol value: " + protocol);
  }
  auto maps = std::make_unique<maps::Tables>(startup.table_options());
  // The same main.cf twice: defaults such as smtpd_timeout look at $stress, which is ours to say, unless the administrator has:
  // by -o stress=yes in master.cf, or an empty one.
  const bool is_said = startup.main.find("stress") != nullptr;
  const auto main_under = [&](std::string_view stress) { return is_said ? startup.main : startup.main.with("stress", stress); };
  Snapshot normal = TRY(Snapshot::load(main_under(""), *maps));
  Snapshot stressed = TRY(Snapshot::load(main_under("yes"), *maps));
  SharedTables tables = TRY(SharedTables::open(*maps, startup.main, normal.params));
  TlsSite tls = TRY(TlsSite::make(*maps, normal.params, startup.service, startup.watch_file));
  std::unique_ptr<Sasl> sasl = TRY(Sasl::open(*maps, normal.params));
  delivery::NoticeSite notice_site = TRY(delivery::notice_site(normal.params));
  std::unique_ptr<server::PeerNames> peer_names = TRY(server::make_peer_names(startup.clock));
  return std::make_unique<Server>(Parts{.maps = std::move(maps),
                                        .normal = std::move(normal),
                                        .stressed = std::move(stressed),
                                        .tables = std::move(tables),
                                        .peer_names = std::move(peer_names),
                                        .service_name = startup.service,
                                        .notice_site = std::move(notice_site),
                                        .tls = std::move(tls),
                                        .sasl = std::move(sasl)},
                                  startup.services, startup.clock);
}

Result<std::unique_ptr<Server>> Server::make_stand_alone(const config::Main& main, ipc::Connections& services, Trust trust) {
  auto maps = std::make_unique<maps::Tables>(maps::Tables::Options{
      .config_directory = main.directory(), .default_database_type = TRY(main.string("default_database_type")), .services = &services});
  Snapshot snapshot = TRY(trust == Trust::yes ? Snapshot::load_trusting(main, *maps) : Snapshot::load(main, *maps));
  SharedTables tables;
  if (trust == Trust::no) tables = TRY(SharedTables::open(*maps, main, snapshot.params));
  else tables.reject_footer = TRY(open_footer(*maps, snapshot.params));
  std::unique_ptr<server::PeerNames> peer_names = TRY(server::make_peer_names(base::system_clock()));
  std::string postdrop = TRY(main.string("command_directory")) + "/postdrop";
  return std::make_unique<Server>(Parts{.maps = std::move(maps),
                                        .normal = snapshot,
                                        .stressed = std::move(snapshot),
                                        .tables = std::move(tables),
                                        .peer_names = std::move(peer_names),
                                        .service_name = "smtpd",
                                        .postdrop = std::move(postdrop),
                                        .trust = trust},
                                  services, base::system_clock());
}

Result<std::unique_ptr<Intake>> Server::open_intake(const Snapshot& snapshot, const MailParameters& asked, bool has_milters) {
  const Deadline deadline = base::after(snapshot.params.ipc_timeout);
  if (!postdrop_.empty()) return open_postdrop(postdrop_, deadline);
  ipc::CleanupFlags flags = snapshot.overrides.cleanup_flags();
  if (has_milters) flags = flags | ipc::CleanupFlags::own_milters;
  if (asked.smtputf8) flags = flags | ipc::CleanupFlags::smtputf8;
  if (asked.require_tls) flags = flags | ipc::CleanupFlags::tls_required;
  return std::make_unique<CleanupIntake>(
      TRY(queue::MessageStream::open(services_, flags, deadline, "public/" + snapshot.params.cleanup_service_name)));
}

std::string Server::next_instance() {
  const auto since_epoch = clock_.stamp().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(since_epoch - seconds);
  return fmt::format("{:x}.{:x}.{:x}.{:x}", ::getpid(), seconds.count(), micros.count(), instances_++);
}

BareNewline bare_newline_for(const SharedTables& tables, const Snapshot& snapshot, const Client& client) {
  const bool is_excluded = client.is_ip && tables.bare_newline_exclusions.matches(client.name, client.address).value_or(false);
  return is_excluded ? BareNewline::accept : snapshot.bare_newline;
}

void Server::serve(server::Connection& connection) {
  const bool is_proxied = !snapshot(connection.stressed).params.smtpd_upstream_proxy_protocol.empty();
  if (!is_proxied || take_proxy_header(*this, connection)) Session(*this, connection).run();
}

}  // namespace smtpd
