#include "smtp/agent.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/config/interfaces.h"
#include "lib/ipc/addresses.h"
#include "lib/log/log.h"
#include "lib/maps/dns_reply_filter.h"
#include "lib/maps/list.h"
#include "smtp/params_of_lmtp.h"

namespace smtp {
namespace {

// The parameter smtp_NAME, or lmtp_NAME.
std::string name_of(Protocol protocol, std::string_view name) {
  return fmt::format("{}_{}", protocol == Protocol::smtp ? "smtp" : "lmtp", name);
}

Result<bool> asks_name_servers(std::string_view level, Protocol protocol) {
  if (level == "disabled") return false;
  if (level.empty() || level == "enabled" || level == "dnssec") return true;
  return base::fail(fmt::format("invalid {}: \"{}\"", name_of(protocol, "dns_support_level"), level));
}

Result<void> check_verify_target(const Params& params, Protocol protocol) {
  const std::string& target = params.smtp_address_verify_target;
  if (ascii::equal_ignoring_case(target, "rcpt") || ascii::equal_ignoring_case(target, "data")) return {};
  return base::fail(fmt::format("bad protocol stage: \"{} = {}\"", name_of(protocol, "address_verify_target"), target));
}

Result<RouteSettings> route_settings(const Params& params, const config::Main& main, Protocol protocol) {
  RouteSettings settings;
  settings.host_lookup.clear();
  for (const std::string_view word : ascii::split(params.smtp_host_lookup, ", \t\r\n")) {
    if (word == "dns") settings.host_lookup.push_back(HostLookup::dns);
    else if (word == "native") settings.host_lookup.push_back(HostLookup::native);
    else return base::fail(fmt::format("bad {}: {}", name_of(protocol, "host_lookup"), params.smtp_host_lookup));
  }
  settings.families = dns::families_of(params.inet_protocols);
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
  const auto addresses = std::make_shared<ipc::Addresses>(startup.services, startup.clock, "private/" + params.rewrite_service_name);
  return GenericMaps(TRY(maps::Maps::open(tables, name_of(protocol, "generic_maps"), params.smtp_generic_maps, flags)),
                     TRY(maps::MatchList::parse(tables, "mydestination", params.mydestination, maps::ListKind::string, false)),
                     [addresses](const std::string& external) { return addresses->rewrite("local", external); },
                     std::move(options));
}

Result<std::unique_ptr<dns::Resolver>> open_resolver(maps::Tables& tables, const Params& params, Protocol protocol) {
  dns::Resolver::Options options{.validates = params.smtp_dns_support_level == "dnssec", .probe = params.dnssec_probe};
  for (const std::string_view word : ascii::split(params.smtp_dns_resolver_options, ", \t\r\n")) {
    if (ascii::equal_ignoring_case(word, "res_defnames")) options.completes = true;
    else if (ascii::equal_ignoring_case(word, "res_dnsrch")) options.searches = true;
    else return base::fail(fmt::format("unknown {} value \"{}\" in \"{}\"", name_of(protocol, "dns_resolver_options"), word,
                                       params.smtp_dns_resolver_options));
  }
  auto resolver = TRY(dns::Resolver::open(options));
  TRY(maps::filter_replies(*resolver, tables, name_of(protocol, "dns_reply_filter"), params.smtp_dns_reply_filter));
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

// Where TLSRPT goes to; empty: nowhere.
std::string report_socket_of(const Params& params, const TlsSite& tls, Protocol protocol) {
  if (!params.smtp_tlsrpt_enable) return {};
  if (protocol == Protocol::lmtp) maillog::warning("TLSRPT support is not implemented for LMTP");
  else if (params.smtp_tlsrpt_socket_name.empty()) {
    maillog::warning("TLSRPT support: parameter smtp_tlsrpt_socket_name has empty value -- TLSRPT support will be disabled");
  }
  return protocol == Protocol::lmtp || !tls.has_general_level() ? std::string() : params.smtp_tlsrpt_socket_name;
}

}  // namespace

Agent::Agent(Parts parts, ipc::Connections& services, const base::Clock& clock)
    : parts_(std::move(parts)), router_(*parts_.resolver, parts_.route), dane_(*parts_.resolver, parts_.dane),
      cache_({.idle = std::min(parts_.params.smtp_connection_cache_time_limit, parts_.params.connection_cache_ttl_limit),
              .age = parts_.params.smtp_connection_reuse_time_limit,
              .uses = parts_.params.smtp_connection_reuse_count_limit}),
      services_(services),
      tls_sessions_(services, parts_.params.tlsmgr_service_name, parts_.protocol == Protocol::smtp ? "smtp" : "lmtp"),
      tls_traces_(services, parts_.params.tlsmgr_service_name, parts_.protocol == Protocol::smtp ? "smtp" : "lmtp"),
      sink_(services, delivery::LogSockets::of(parts_.params), &parts_.flush_sites),
      notices_(std::move(parts_.notice_site), services, clock), clock_(clock) {}

Result<std::unique_ptr<server::Service>> Agent::make(server::Startup& startup, Protocol protocol) {
  const bool is_smtp = protocol == Protocol::smtp;
  Params params = TRY(is_smtp ? Params::load(startup.main) : load_lmtp(startup.main));
  TRY(check_verify_target(params, protocol));
  auto tables = std::make_unique<maps::Tables>(startup.table_options());
  const std::string discard_name = name_of(protocol, is_smtp ? "discard_ehlo_keyword_address_maps" : "discard_lhlo_keyword_address_maps");
  auto discard = TRY(maps::Maps::open(*tables, discard_name, params.smtp_discard_ehlo_keyword_address_maps, maps::Flags::none));
  auto pix_workarounds = TRY(maps::Maps::open(*tables, name_of(protocol, "pix_workaround_maps"), params.smtp_pix_workaround_maps, maps::Flags::none));
  auto cached = TRY(maps::MatchList::parse(*tables, name_of(protocol, "connection_cache_destinations"),
                                           params.smtp_connection_cache_destinations, maps::ListKind::string, false));
  auto debug_peers = TRY(maps::MatchList::parse(*tables, "debug_peer_list", params.debug_peer_list, maps::ListKind::address,
                                                maps::parents_match(params.parent_domain_matches_subdomains, "debug_peer_list")));
  GenericMaps generic = TRY(open_generic(*tables, params, startup, protocol));
  auto reply_filter = TRY(maps::Maps::open(*tables, name_of(protocol, "reply_filter"), params.smtp_reply_filter, maps::Flags::none));
  delivery::NoticeSite notice_site = TRY(delivery::notice_site(params));
  ContentCheckMaps checks = TRY(open_checks(*tables, params, protocol));
  auto status_filter = TRY(delivery::StatusFilter::open(*tables, name_of(protocol, "delivery_status_filter"),
                                                        params.smtp_delivery_status_filter));
  RouteSettings route = TRY(route_settings(params, startup.main, protocol));
  auto resolver = TRY(open_resolver(*tables, params, protocol));
  queue::FlushSites flush_sites = TRY(queue::FlushSites::open(startup.main, params, &startup.services));
  config::KnownPorts ports(params.known_tcp_ports);
  for (const std::string& problem : ports.problems()) maillog::warning("{}", problem);
  const std::uint16_t port = TRY(ports.port(params.smtp_tcp_port));
  TlsSite tls = TRY(TlsSite::open(*tables, params, is_smtp ? "smtp" : "lmtp", startup.watch_file));
  const DaneSettings dane{.has_dnssec = params.smtp_dns_support_level == "dnssec" && std::ranges::find(route.host_lookup, HostLookup::dns) != route.host_lookup.end(),
                          .insecure_mx = is_smtp ? TRY(parse_insecure_mx_policy(params.smtp_tls_dane_insecure_mx_policy)) : TlsLevel::dane,
                          .always_asks = params.smtp_tls_force_insecure_host_tlsa_lookup,
                          .detail = tls.log_level().detail};
  SaslSite sasl = TRY(SaslSite::open(*tables, params, is_smtp ? "smtp" : "lmtp", startup.clock));
  RequireTlsPolicy require_tls = TRY(RequireTlsPolicy::open(*tables, name_of(protocol, "requiretls_policy"), params.smtp_requiretls_policy));
  std::string report_socket = report_socket_of(params, tls, protocol);
  return std::make_unique<Agent>(Parts{.protocol = protocol,
                                       .params = std::move(params),
                                       .route = std::move(route),
                                       .resolver = std::move(resolver),
                                       .tables = std::move(tables),
                                       .tls = std::move(tls),
                                       .dane = dane,
                                       .require_tls = std::move(require_tls),
                                       .report_socket = std::move(report_socket),
                                       .sasl = std::move(sasl),
                                       .ehlo_discard_maps = std::move(discard),
                                       .pix_workaround_maps = std::move(pix_workarounds),
                    .cached_destinations = std::move(cached),
                                       .debug_peers = std::move(debug_peers),
                                       .generic = std::move(generic),
                                       .checks = std::move(checks),
                                       .status_filter = std::move(status_filter),
                                       .default_port = port,
                                       .ports = std::move(ports),
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
                    .tls = parts_.tls,
                    .dane = dane_,
                    .require_tls = parts_.require_tls,
                    .resolver = *parts_.resolver,
                    .report_socket = parts_.report_socket,
                    .tls_sessions = parts_.params.smtp_tls_session_cache_database.empty() ? nullptr : &tls_sessions_,
                    .tls_traces = tls_traces_,
                    .sasl = parts_.sasl,
                    .ehlo_discard_maps = parts_.ehlo_discard_maps,
                    .pix_workaround_maps = parts_.pix_workaround_maps,
                    .cached_destinations = parts_.cached_destinations,
                    .debug_peers = parts_.debug_peers,
                    .generic = parts_.generic,
                    .checks = parts_.checks,
                    .status_filter = parts_.status_filter,
                    .default_port = parts_.default_port,
                    .ports = parts_.ports,
                    .reply_filter = parts_.reply_filter,
                    .notices = notices_,
                    .sink = sink_,
                    .services = services_,
                    .clock = clock_};
  server::serve_requests<ipc::Deliver>(connection, [&](const ipc::DeliveryRequest& request) {
    return Attempt(request, means).run();
  });
}

}  // namespace smtp
