#include "smtp/agent.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/config/interfaces.h"
#include "lib/config/not_yet.h"
#include "lib/ipc/addresses.h"
#include "lib/log/log.h"
#include "smtp/params_of_lmtp.h"

namespace smtp {
namespace {

// The parameter smtp_NAME, or lmtp_NAME.
std::string name_of(Protocol protocol, std::string_view name) {
  return fmt::format("{}_{}", protocol == Protocol::smtp ? "smtp" : "lmtp", name);
}

// These are looked at for each destination (tls_demand.h), so that mail that needs no TLS can go.
constexpr std::array decided_by_destination{std::string_view{"tls_security_level"}, std::string_view{"tls_policy_maps"}};

// The first setting that protects and that we cannot honour.
std::string refusal_of(const config::Main& main, Protocol protocol) {
  for (const config::NotYet& setting : config::refusals(main, protocol == Protocol::smtp ? "smtp" : "lmtp")) {
    const auto names_it = [&](std::string_view name) { return name_of(protocol, name) == setting.name; };
    if (std::ranges::any_of(decided_by_destination, names_it)) continue;
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

Result<bool> asks_name_servers(std::string_view level, Protocol protocol) {
  if (level == "disabled") return false;
  // dnssec is told to be not yet honoured (lib/config/not_yet.h); no TLS level that would need it lets mail go.
  if (level.empty() || level == "enabled" || level == "dnssec") return true;
  return base::fail(fmt::format("invalid {}: \"{}\"", name_of(protocol, "dns_support_level"), level));
}

Result<RouteSettings> route_settings(const Params& params, const config::Main& main, Protocol protocol) {
  RouteSettings settings;
  settings.host_lookup.clear();
  for (const std::string_view word : ascii::split(params.smtp_host_lookup, ", \t\r\n")) {
    if (word == "dns") settings.host_lookup.push_back(HostLookup::dns);
    else if (word == "native") settings.host_lookup.push_back(HostLookup::native);
    else return base::fail(fmt::format("bad {}: {}", name_of(protocol, "host_lookup"), params.smtp_host_lookup));
  }
  settings.families = families_of(params.inet_protocols);
  settings.uses_mx = TRY(asks_name_servers(params.smtp_dns_support_level.empty() && params.disable_dns_lookups ? "disabled" : params.smtp_dns_support_level,
                                           protocol));
  if (!settings.uses_mx) settings.host_lookup = {HostLookup::native};
  settings.ignores_mx_errors = params.ignore_mx_lookup_error;
  settings.defers_without_address = params.smtp_defer_if_no_mx_address_found;
  settings.shuffles = params.smtp_randomize_addresses;
  settings.balances = params.smtp_balance_inet_protocols;
  settings.shows_aliased = params.smtp_cname_overrides_servername;
  for (const std::string_view service : ascii::split(params.use_srv_lookup, ", \t\r\n")) settings.srv_services.emplace_back(service);
  settings.default_service = params.smtp_tcp_port;
  settings.falls_back_from_srv = params.allow_srv_lookup_fallback;
  settings.ignores_srv_errors = params.ignore_srv_lookup_error;
  if (params.smtp_address_preference == "ipv4") settings.prefer = RouteSettings::Prefer::ipv4;
  else if (params.smtp_address_preference == "ipv6") settings.prefer = RouteSettings::Prefer::ipv6;
  else if (params.smtp_address_preference != "any") return base::fail("bad " + name_of(protocol, "address_preference"));
  settings.own_name = params.myhostname;
  settings.address_limit = params.smtp_mx_address_limit;
  for (const std::string& text : TRY(config::own_addresses(main))) {
    if (const auto address = io::Address::parse(text)) settings.own.push_back(*address);
  }
  return settings;
}

Result<GenericMaps> open_generic(maps::Tables& tables, const Params& params, server::Startup& startup, Protocol protocol) {
  const maps::Flags flags = maps::Flags::fold_keys | (params.smtputf8_enable ? maps::Flags::utf8 : maps::Flags::none);
  const auto words = ascii::split(params.propagate_unmatched_extensions, ", \t\r\n");
  GenericMaps::Options options{
      .delimiters = {params.recipient_delimiter, params.owner_request_special},
      .myorigin = params.myorigin,
      .propagates = std::ranges::any_of(words, [](std::string_view word) { return ascii::equal_ignoring_case(word, "generic"); }),
      .header_size_limit = static_cast<std::size_t>(params.header_size_limit),
      .header_address_token_limit = static_cast<std::size_t>(params.header_address_token_limit)};
  const auto addresses = std::make_shared<ipc::Addresses>(startup.services, startup.clock);
  return GenericMaps(TRY(maps::Maps::open(tables, name_of(protocol, "generic_maps"), params.smtp_generic_maps, flags)),
                     TRY(maps::MatchList::parse(tables, "mydestination", params.mydestination, maps::ListKind::string, false)),
                     [addresses](const std::string& external) { return addresses->rewrite("local", external); },
                     std::move(options));
}

// What smtp_dns_reply_filter says of a record.
dns::Resolver::Verdict verdict_of(const maps::Maps& maps, const std::string& parameter, const std::string& record) {
  const auto found = maps.lookup(record);
  if (!found) {
    maillog::warning("{}", found.error().message());
    return dns::Resolver::Verdict::failed;
  }
  if (!*found) return dns::Resolver::Verdict::keep;
  if (ascii::equal_ignoring_case(**found, "ignore")) return dns::Resolver::Verdict::ignore;
  maillog::warning("{}: unknown DNS filter action: \"{}\"", parameter, **found);
  return dns::Resolver::Verdict::failed;
}

Result<std::unique_ptr<dns::Resolver>> open_resolver(maps::Tables& tables, const Params& params, Protocol protocol) {
  dns::Resolver::Options options;
  for (const std::string_view word : ascii::split(params.smtp_dns_resolver_options, ", \t\r\n")) {
    if (ascii::equal_ignoring_case(word, "res_defnames")) options.completes = true;
    else if (ascii::equal_ignoring_case(word, "res_dnsrch")) options.searches = true;
    else return base::fail(fmt::format("unknown {} value \"{}\" in \"{}\"", name_of(protocol, "dns_resolver_options"), word,
                                       params.smtp_dns_resolver_options));
  }
  auto resolver = TRY(dns::Resolver::open(options));
  const std::string parameter = name_of(protocol, "dns_reply_filter");
  auto filter = std::make_shared<maps::Maps>(TRY(maps::Maps::open(tables, parameter, params.smtp_dns_reply_filter, maps::Flags::none)));
  if (!filter->empty()) {
    resolver->set_filter([filter, parameter](const std::string& record) { return verdict_of(*filter, parameter, record); });
  }
  return resolver;
}

Result<ContentCheckMaps> open_checks(maps::Tables& tables, const Params& params, Protocol protocol) {
  const auto open = [&](std::string_view name, const std::string& value) {
    return maps::Maps::open(tables, name_of(protocol, name), value, maps::Flags::none);
  };
  ContentCheckMaps checks{.prefix = protocol == Protocol::smtp ? "smtp" : "lmtp",
                          .header = TRY(open("header_checks", params.smtp_header_checks)),
                          .mime = TRY(open("mime_header_checks", params.smtp_mime_header_checks)),
                          .nested = TRY(open("nested_header_checks", params.smtp_nested_header_checks)),
                          .body = TRY(open("body_checks", params.smtp_body_checks))};
  checks.header_size_limit = static_cast<std::size_t>(params.header_size_limit);
  checks.mime_nesting_limit = static_cast<std::size_t>(params.mime_nesting_limit);
  checks.mime_boundary_length_limit = static_cast<std::size_t>(params.mime_boundary_length_limit);
  return checks;
}

}  // namespace

Agent::Agent(Parts parts, ipc::Connections& services, const base::Clock& clock)
    : parts_(std::move(parts)), router_(*parts_.resolver, parts_.route),
      cache_({.idle = std::min(parts_.params.smtp_connection_cache_time_limit, parts_.params.connection_cache_ttl_limit),
              .age = parts_.params.smtp_connection_reuse_time_limit,
              .uses = parts_.params.smtp_connection_reuse_count_limit}),
      sink_(services, &parts_.flush_sites), notices_(std::move(parts_.notice_site), services, clock), clock_(clock) {}

Result<std::unique_ptr<server::Service>> Agent::make(server::Startup& startup, Protocol protocol) {
  const bool is_smtp = protocol == Protocol::smtp;
  Params params = TRY(is_smtp ? Params::load(startup.main) : load_lmtp(startup.main));
  auto tables = std::make_unique<maps::Tables>(startup.table_options());
  const std::string policy_name = name_of(protocol, "tls_policy_maps");
  const std::string policy_maps = TRY(startup.main.string(policy_name));
  auto policies = TRY(maps::Maps::open(*tables, policy_name, policy_maps, maps::Flags::fold_keys));
  TlsPolicy tls_policy(TRY(startup.main.string(name_of(protocol, "tls_security_level"))), std::move(policies));
  const std::string discard_name = name_of(protocol, is_smtp ? "discard_ehlo_keyword_address_maps" : "discard_lhlo_keyword_address_maps");
  auto discard = TRY(maps::Maps::open(*tables, discard_name, params.smtp_discard_ehlo_keyword_address_maps, maps::Flags::none));
  auto cached = TRY(maps::MatchList::parse(*tables, name_of(protocol, "connection_cache_destinations"),
                                           params.smtp_connection_cache_destinations, maps::ListKind::string, false));
  GenericMaps generic = TRY(open_generic(*tables, params, startup, protocol));
  auto reply_filter = TRY(maps::Maps::open(*tables, name_of(protocol, "reply_filter"), params.smtp_reply_filter, maps::Flags::none));
  delivery::NoticeSite notice_site = TRY(delivery::notice_site(params));
  ContentCheckMaps checks = TRY(open_checks(*tables, params, protocol));
  auto status_filter = TRY(delivery::StatusFilter::open(*tables, name_of(protocol, "delivery_status_filter"),
                                                        params.smtp_delivery_status_filter));
  RouteSettings route = TRY(route_settings(params, startup.main, protocol));
  auto resolver = TRY(open_resolver(*tables, params, protocol));
  queue::FlushSites flush_sites = TRY(queue::FlushSites::open(startup.main, params, &startup.services));
  const std::uint16_t port = TRY(parse_port(params.smtp_tcp_port));
  return std::make_unique<Agent>(Parts{.protocol = protocol,
                                       .params = std::move(params),
                                       .route = std::move(route),
                                       .resolver = std::move(resolver),
                                       .tables = std::move(tables),
                                       .tls_policy = std::move(tls_policy),
                                       .ehlo_discard_maps = std::move(discard),
                                       .cached_destinations = std::move(cached),
                                       .generic = std::move(generic),
                                       .checks = std::move(checks),
                                       .status_filter = std::move(status_filter),
                                       .default_port = port,
                                       .refusal = refusal_of(startup.main, protocol),
                                       .flush_sites = std::move(flush_sites),
                                       .reply_filter = std::move(reply_filter),
                                       .notice_site = std::move(notice_site)},
                                 startup.services, startup.clock);
}

void Agent::serve(server::Connection& connection) {
  const Means means{.protocol = parts_.protocol,
                    .params = parts_.params,
                    .router = router_,
                    .cache = cache_,
                    .tls_policy = parts_.tls_policy,
                    .ehlo_discard_maps = parts_.ehlo_discard_maps,
                    .cached_destinations = parts_.cached_destinations,
                    .generic = parts_.generic,
                    .checks = parts_.checks,
                    .status_filter = parts_.status_filter,
                    .default_port = parts_.default_port,
                    .refusal = parts_.refusal,
                    .reply_filter = parts_.reply_filter,
                    .notices = notices_,
                    .sink = sink_,
                    .clock = clock_};
  server::serve_requests<ipc::Deliver>(connection, [&](const ipc::DeliveryRequest& request) {
    return Attempt(request, means).run();
  });
}

}  // namespace smtp
