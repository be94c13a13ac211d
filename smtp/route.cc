#include "smtp/route.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include <fmt/core.h>

#include "lib/base/host_name.h"
#include "lib/log/log.h"

namespace smtp {
namespace {

// For all the questions about one destination.
constexpr std::chrono::seconds lookup_patience{100};

constexpr std::uint16_t smtp_port = 25;  // where a loop to ourselves is looked for

// Whether mail may yet be sent there later decides between 4.4.3 and 5.4.4.
mail::Dsn dsn_of(dns::Status status) {
  switch (status) {
    case dns::Status::temporary:
    case dns::Status::garbled:
    case dns::Status::unfiltered: return {4, 4, 3};
    case dns::Status::filtered: return {4, 7, 0};
    case dns::Status::null_mx: return {5, 1, 0};
    case dns::Status::found:
    case dns::Status::no_domain:
    case dns::Status::no_data:
    case dns::Status::invalid: break;
  }
  return {5, 4, 4};
}

bool is_temporary_status(dns::Status status) { return dsn_of(status).cls() == 4; }

bool is_temporary(const delivery::Delivery& failure) { return failure.status == delivery::Status::deferred; }

// They are named by a record.
void add_named(std::vector<Candidate>& candidates, std::vector<Candidate> hosts, bool is_validated) {
  for (Candidate& host : hosts) {
    host.trail.origin = is_validated ? Trail::Origin::secure_record : Trail::Origin::insecure_record;
    candidates.push_back(std::move(host));
  }
}

}  // namespace

delivery::Delivery name_error(const std::string& name, std::string_view type, dns::Status status, std::string_view reason) {
  if (status == dns::Status::filtered || status == dns::Status::unfiltered) {
    return endings::failed(dsn_of(status), fmt::format("Error looking up name={} type={}: {}", name, type, reason));
  }
  const bool is_nonsense = status == dns::Status::garbled || status == dns::Status::invalid;
  return endings::failed(dsn_of(status), fmt::format("{}Name service error for name={} type={}: {}",
                                                     is_nonsense ? "" : "Host or domain name not found. ", name, type, reason));
}

Router::Route Router::find(const Destination& destination) const {
  if (destination.lookup == Lookup::socket) return std::vector{Candidate{.host = settings_.own_name, .socket = destination.host}};
  const std::string& service = destination.service.empty() ? settings_.default_service : destination.service;
  const std::string service_name = fmt::format("_{}._tcp.{}", service, destination.host);
  const bool asks_for_service = !destination.is_bracketed && std::ranges::find(settings_.srv_services, service) != settings_.srv_services.end();
  Route route = asks_for_service ? of_service(service_name) : without_service(destination);
  if (asks_for_service && !route && (settings_.falls_back_from_srv || (settings_.ignores_srv_errors && is_temporary(route.error())))) {
    maillog::info("skipping SRV lookup for {}: {}", service_name, route.error().reason);
    route = without_service(destination);
  }
  if (!route) return route;
  order(*route);
  shorten(*route);
  return route;
}

Router::Route Router::without_service(const Destination& destination) const {
  if (destination.lookup == Lookup::mail_exchangers && settings_.uses_mx) return of_domain(destination);
  return of_host(destination.host, destination.port, 0);
}

// RFC 2782. The order of the records becomes the candidates' preference.
Router::Route Router::of_service(const std::string& name) const {
  const dns::Answer<dns::Srv> answer = resolver_.services(name, base::after(lookup_patience));
  if (answer.status == dns::Status::null_mx) {
    return std::unexpected(endings::failed(dsn_of(answer.status), fmt::format("Domain {} does not support SRV requests", name)));
  }
  if (!answer) return std::unexpected(name_error(name, "SRV", answer.status, answer.reason));
  std::vector<Candidate> candidates;
  std::optional<delivery::Delivery> failure;
  int preference = 0;
  for (const dns::Srv& service : answer.records) {
    Route hosts = of_host(service.host, service.port, ++preference);
    if (hosts) {
      add_named(candidates, std::move(*hosts), answer.is_validated);
    } else if (!failure || is_temporary(hosts.error()) || !is_temporary(*failure)) {
      failure = std::move(hosts.error());
    }
  }
  if (!candidates.empty()) return candidates;
  maillog::warning("no SRV host for {} has a valid address record", name);
  return std::unexpected(std::move(*failure));
}

Router::Route Router::of_domain(const Destination& destination) const {
  if (!base::is_host_name(destination.host)) {
    return std::unexpected(name_error(destination.host, "MX", dns::Status::no_domain, "invalid host or domain name"));
  }
  const dns::Answer<dns::Mx> answer = resolver_.mx(destination.host, base::after(lookup_patience));
  switch (answer.status) {
    case dns::Status::found: return of_exchangers(destination, answer);
    case dns::Status::null_mx:
      return std::unexpected(endings::failed(dsn_of(answer.status),
                                             fmt::format("Domain {} does not accept mail (nullMX)", destination.host)));
    case dns::Status::invalid: return std::unexpected(name_error(destination.host, "MX", answer.status, answer.reason));
    case dns::Status::temporary:
    case dns::Status::garbled:
    case dns::Status::filtered:
    case dns::Status::unfiltered:
      if (!settings_.ignores_mx_errors) return std::unexpected(name_error(destination.host, "MX", answer.status, answer.reason));
      break;
    case dns::Status::no_domain:
    case dns::Status::no_data: break;
  }
  // Without MX the domain is its own host (RFC 5321 section 5.1).
  Route route = of_host(destination.host, destination.port, 0);
  return route ? without_self(destination, std::move(*route)) : route;
}

Router::Route Router::of_exchangers(const Destination& destination, const dns::Answer<dns::Mx>& exchangers) const {
  std::vector<Candidate> candidates;
  std::optional<delivery::Delivery> failure;
  for (const dns::Mx& exchanger : exchangers.records) {
    Route hosts = of_host(exchanger.host, destination.port, exchanger.preference);
    if (hosts) {
      add_named(candidates, std::move(*hosts), exchangers.is_validated);
    } else if (!failure || is_temporary(hosts.error()) || !is_temporary(*failure)) {
      failure = std::move(hosts.error());
    }
  }
  if (!candidates.empty()) return without_self(destination, std::move(candidates));
  maillog::warning("no MX host for {} has a valid address record", destination.host);
  if (settings_.defers_without_address && !is_temporary(*failure)) {
    failure->status = delivery::Status::deferred;
    failure->dsn = failure->dsn.with_class(4);
  }
  return std::unexpected(std::move(*failure));
}

Router::Route Router::of_host(const std::string& host, std::uint16_t port, int preference) const {
  const auto as_candidates = [&](const std::vector<io::Address>& addresses, const std::string& name, const Trail& trail) {
    std::vector<Candidate> candidates;
    for (const io::Address& address : addresses) {
      candidates.push_back({.host = name, .endpoint = {address, port}, .preference = preference, .socket = {}, .trail = trail});
    }
    return candidates;
  };
  if (const auto address = io::Address::parse(host)) return as_candidates({*address}, host, {});
  delivery::Delivery failure = name_error(host, "A", dns::Status::no_domain, "invalid host or domain name");
  if (!base::is_host_name(host)) return std::unexpected(std::move(failure));
  for (const HostLookup lookup : settings_.host_lookup) {
    dns::Answer<io::Address> answer;
    Trail trail;
    switch (lookup) {
      case HostLookup::dns: {
        answer = resolver_.addresses(host, settings_.families, base::after(lookup_patience));
        const std::string_view type = settings_.families == dns::Families::ipv4 ? "A" : "AAAA";
        failure = name_error(host, type, answer.status, answer.reason);
        trail = {.host = host, .canonical = answer.canonical, .is_host_validated = answer.is_validated};
        break;
      }
      case HostLookup::native:
        answer = resolver_.host_addresses(host, settings_.families, base::after(lookup_patience));
        failure = is_temporary_status(answer.status)
                      ? endings::failed({4, 4, 4}, fmt::format("unable to look up host {}: Temporary failure in name resolution", host))
                      : endings::failed({5, 4, 4}, fmt::format("unable to look up host {}: Name or service not known", host));
        break;
    }
    if (answer) return as_candidates(answer.records, settings_.shows_aliased && !answer.canonical.empty() ? answer.canonical : host, trail);
    // What another way of looking may still find is not asked for when this one may yet answer.
    if (is_temporary(failure)) break;
  }
  return std::unexpected(std::move(failure));
}

bool Router::is_own(const Candidate& candidate) const {
  return std::ranges::find(settings_.own, candidate.endpoint.address) != settings_.own.end();
}

// RFC 5321 section 5.1: this machine and all that are not better than it are left out.
Router::Route Router::without_self(const Destination& destination, std::vector<Candidate> candidates) const {
  if (destination.port != smtp_port) return candidates;
  std::optional<int> own;
  for (const Candidate& candidate : candidates) {
    if (is_own(candidate)) own = std::min(own.value_or(candidate.preference), candidate.preference);
  }
  if (!own) return candidates;
  std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.preference >= *own; });
  if (!candidates.empty()) return candidates;
  return std::unexpected(endings::failed(loop_dsn, fmt::format("mail for {} loops back to myself", destination.host)));
}

// The first family gets the odd place; where one has not enough, the other has more.
void Router::shorten(std::vector<Candidate>& candidates) const {
  const auto limit = static_cast<std::size_t>(settings_.address_limit);
  if (limit == 0 || candidates.size() <= limit) return;
  if (settings_.balances) {
    const bool first_is_v6 = candidates.front().endpoint.address.is_v6();
    const auto is_first = [&](const Candidate& candidate) { return candidate.endpoint.address.is_v6() == first_is_v6; };
    const auto firsts = static_cast<std::size_t>(std::ranges::count_if(candidates, is_first));
    const std::size_t others = candidates.size() - firsts;
    std::size_t first_share = std::min(firsts, std::max((limit + 1) / 2, limit - std::min(limit, others)));
    std::size_t other_share = limit - first_share;
    std::erase_if(candidates, [&](const Candidate& candidate) {
      std::size_t& share = is_first(candidate) ? first_share : other_share;
      if (share == 0) return true;
      --share;
      return false;
    });
  }
  candidates.resize(std::min(limit, candidates.size()));
}

void Router::order(std::vector<Candidate>& candidates) const {
  if (settings_.shuffles) {
    std::random_device seed;
    std::ranges::shuffle(candidates, std::minstd_rand(seed()));
  }
  const auto rank = [this](const Candidate& candidate) {
    switch (settings_.prefer) {
      case RouteSettings::Prefer::any: return 0;
      case RouteSettings::Prefer::ipv4: return candidate.endpoint.address.is_v6() ? 1 : 0;
      case RouteSettings::Prefer::ipv6: return candidate.endpoint.address.is_v6() ? 0 : 1;
    }
    return 0;
  };
  std::ranges::stable_sort(candidates, {}, [&](const Candidate& candidate) {
    return std::pair(candidate.preference, rank(candidate));
  });
}

}  // namespace smtp
