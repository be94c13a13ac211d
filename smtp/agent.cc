#include "smtp/agent.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/config/interfaces.h"
#include "lib/config/not_yet.h"

namespace smtp {
namespace {

// These are looked at for each destination (tls_demand.h), so that mail that needs no TLS can go.
constexpr std::array decided_by_destination{std::string_view{"smtp_tls_security_level"}, std::string_view{"smtp_tls_policy_maps"}};

// The first setting that protects and that we cannot honour.
std::string refusal_of(const config::Main& main) {
  for (const config::NotYet& setting : config::refusals(main, "smtp")) {
    if (std::ranges::find(decided_by_destination, setting.name) != decided_by_destination.end()) continue;
    return fmt::format("Server configuration error: {} is not yet honoured", setting.name);
  }
  return {};
}

dns::Families families_of(std::string_view inet_protocols) {
  bool v4 = false, v6 = false;
  for (const std::string_view word : ascii::split(inet_protocols, ", \t\r\n")) {
    v4 = v4 || word == "ipv4" || word == "all";
    v6 = v6 || word == "ipv6" || word == "all";
  }
  if (v4 == v6) return dns::Families::both;
  return v4 ? dns::Families::ipv4 : dns::Families::ipv6;
}

Result<bool> asks_name_servers(std::string_view level) {
  if (level == "disabled") return false;
  // dnssec is told to be not yet honoured (lib/config/not_yet.h); no TLS level that would need it lets mail go.
  if (level.empty() || level == "enabled" || level == "dnssec") return true;
  return base::fail(fmt::format("invalid smtp_dns_support_level: \"{}\"", level));
}

Result<RouteSettings> route_settings(const Params& params, const config::Main& main) {
  RouteSettings settings;
  settings.host_lookup.clear();
  for (const std::string_view word : ascii::split(params.smtp_host_lookup, ", \t\r\n")) {
    if (word == "dns") settings.host_lookup.push_back(HostLookup::dns);
    else if (word == "native") settings.host_lookup.push_back(HostLookup::native);
    else return base::fail(fmt::format("bad smtp_host_lookup: {}", params.smtp_host_lookup));
  }
  settings.families = families_of(params.inet_protocols);
  settings.uses_mx = TRY(asks_name_servers(params.smtp_dns_support_level));
  if (!settings.uses_mx) settings.host_lookup = {HostLookup::native};
  settings.ignores_mx_errors = params.ignore_mx_lookup_error;
  settings.defers_without_address = params.smtp_defer_if_no_mx_address_found;
  settings.shuffles = params.smtp_randomize_addresses;
  if (params.smtp_address_preference == "ipv4") settings.prefer = RouteSettings::Prefer::ipv4;
  else if (params.smtp_address_preference == "ipv6") settings.prefer = RouteSettings::Prefer::ipv6;
  else if (params.smtp_address_preference != "any") return base::fail("bad smtp_address_preference");
  settings.address_limit = params.smtp_mx_address_limit;
  for (const std::string& text : TRY(config::own_addresses(main))) {
    if (const auto address = io::Address::parse(text)) settings.own.push_back(*address);
  }
  return settings;
}

}  // namespace

Agent::Agent(Parts parts, ipc::Connections& services, const base::Clock& clock)
    : parts_(std::move(parts)), router_(*parts_.resolver, parts_.route),
      cache_({.idle = std::min(parts_.params.smtp_connection_cache_time_limit, parts_.params.connection_cache_ttl_limit),
              .age = parts_.params.smtp_connection_reuse_time_limit,
              .uses = parts_.params.smtp_connection_reuse_count_limit}),
      sink_(services, &parts_.flush_sites), clock_(clock) {}

Result<std::unique_ptr<server::Service>> Agent::make(server::Startup& startup) {
  Params params = TRY(Params::load(startup.main));
  auto tables = std::make_unique<maps::Tables>(startup.table_options());
  const std::string policy_maps = TRY(startup.main.string("smtp_tls_policy_maps"));
  auto policies = TRY(maps::Maps::open(*tables, "smtp_tls_policy_maps", policy_maps, maps::Flags::fold_keys));
  TlsPolicy tls_policy(TRY(startup.main.string("smtp_tls_security_level")), std::move(policies));
  auto discard = TRY(maps::Maps::open(*tables, "smtp_discard_ehlo_keyword_address_maps",
                                      params.smtp_discard_ehlo_keyword_address_maps, maps::Flags::none));
  auto cached = TRY(maps::MatchList::parse(*tables, "smtp_connection_cache_destinations",
                                           params.smtp_connection_cache_destinations, maps::ListKind::string, false));
  RouteSettings route = TRY(route_settings(params, startup.main));
  auto resolver = TRY(dns::Resolver::open({}));
  queue::FlushSites flush_sites = TRY(queue::FlushSites::open(startup.main, params, &startup.services));
  const std::uint16_t port = TRY(parse_port(params.smtp_tcp_port));
  return std::make_unique<Agent>(Parts{.params = std::move(params),
                                       .route = std::move(route),
                                       .resolver = std::move(resolver),
                                       .tables = std::move(tables),
                                       .tls_policy = std::move(tls_policy),
                                       .ehlo_discard_maps = std::move(discard),
                                       .cached_destinations = std::move(cached),
                                       .default_port = port,
                                       .refusal = refusal_of(startup.main),
                                       .flush_sites = std::move(flush_sites)},
                                 startup.services, startup.clock);
}

void Agent::serve(server::Connection& connection) {
  const Means means{.params = parts_.params,
                    .router = router_,
                    .cache = cache_,
                    .tls_policy = parts_.tls_policy,
                    .ehlo_discard_maps = parts_.ehlo_discard_maps,
                    .cached_destinations = parts_.cached_destinations,
                    .default_port = parts_.default_port,
                    .refusal = parts_.refusal,
                    .sink = sink_,
                    .clock = clock_};
  server::serve_requests<ipc::Deliver>(connection, [&](const ipc::DeliveryRequest& request) {
    return Attempt(request, means).run();
  });
}

}  // namespace smtp
