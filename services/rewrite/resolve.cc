#include "services/rewrite/resolve.h"

#include <algorithm>
#include <optional>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/io/socket.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"

namespace rewrite {
namespace {

using ipc::AddressAnswer;
using ipc::AddressClass;
using ipc::ResolveStatus;

constexpr int domains_limit = 100;  // taken off one address

// The reason for mail to an address whose form nobody can deliver.
constexpr std::string_view bad_address = "5.1.3 Bad recipient address syntax";

bool ends_in_lone_dot(std::string_view text) {
  if (text.size() < 2 || text.back() != '.') return false;
  const char before = text[text.size() - 2];
  return before != '.' && before != '@';
}

std::string_view transport_parameter(AddressClass address_class) {
  switch (address_class) {
    case AddressClass::local: return "local_transport";
    case AddressClass::virtual_mailbox: return "virtual_transport";
    case AddressClass::relay: return "relay_transport";
    case AddressClass::virtual_alias:
    case AddressClass::other: break;
  }
  return "default_transport";
}

// "@a,@b:user@c" is user@c.
std::string_view without_source_route(std::string_view address) {
  const std::size_t colon = address.starts_with('@') ? address.find(':') : std::string_view::npos;
  return colon == std::string_view::npos ? address : address.substr(colon + 1);
}

bool is_address(std::string_view text) { return io::Address::parse(text).has_value(); }

// "[192.0.2.1]" or "[IPv6:2001:db8::1]".
bool is_literal(std::string_view domain) {
  if (!domain.starts_with('[') || !domain.ends_with(']')) return false;
  const std::string_view text = domain.substr(1, domain.size() - 2);
  if (ascii::starts_with_ignoring_case(text, "ipv6:")) return text.contains(':') && is_address(text.substr(5));
  return !text.contains(':') && is_address(text);
}

// A host name, in ASCII or UTF-8; one that is all digits and dots is none.
bool is_domain_name(std::string_view domain) {
  if (std::ranges::all_of(domain, [](char c) { return ascii::is_digit(c) || c == '.'; })) return false;
  std::string as_ascii(domain);
  for (char& c : as_ascii) {
    if (static_cast<unsigned char>(c) >= 0x80) c = 'u';
  }
  return mail::is_valid_hostname(as_ascii);
}

}  // namespace

// Takes off domains of ours, the last first, and completes what is left, until there is nothing more to take off.
Result<Resolver::Split> Resolver::split(std::string_view address) const {
  Split result;
  std::string rest(without_source_route(address));
  bool has_null_domain = false;
  std::optional<std::string> own_domain;
  for (int i = 0; i < domains_limit; ++i) {
    if (ends_in_lone_dot(rest)) rest.pop_back();
    // Within quotes no sign names a domain.
    const std::size_t at = parameters_.resolve_dequoted_address ? rest.rfind('@') : mail::split(rest).local.size();
    if (at >= rest.size()) {
      const std::string completed = complete(rest);
      if (completed == rest) break;
      rest = completed;
      continue;
    }
    std::string domain = rest.substr(at + 1);
    const std::string local = rest.substr(0, at);
    if (domain.empty()) {
      const bool has_more = parameters_.resolve_dequoted_address && local.contains('@');
      if (!parameters_.resolve_null_domain && !has_more) {
        has_null_domain = true;
        rest = local;
        break;
      }
      rest = local;
      continue;
    }
    if (domain.starts_with('[') && !domain.ends_with(']')) domain += ']';
    if (parameters_.resolve_numeric_domain && is_address(domain) && !domain.contains(':')) domain = "[" + domain + "]";
    if (!TRY(domains_.is_local(domain))) {
      result.local = local;
      result.domain = domain;
      result.is_valid = is_literal(domain) || is_domain_name(domain);
      return result;
    }
    own_domain = domain;
    rest = local;
    // Quoted as a whole, the local part holds no further route.
    if (!parameters_.resolve_dequoted_address && mail::quote_local(rest) != rest) break;
    rest = complete(rest);
  }
  result.is_local = true;
  result.local = rest.empty() ? parameters_.empty_address_recipient : rest;
  result.domain = own_domain.value_or(parameters_.myhostname);
  if (has_null_domain) {
    result.domain.clear();
    result.is_valid = false;
  }
  return result;
}

// What is left when a domain of ours is gone: site!user and user%domain become user@domain, and its domain is completed.
// Text without a route stays as it is.
std::string Resolver::complete(std::string_view rest) const {
  std::string text(rest);
  if (!text.contains('@')) {
    const std::size_t bang = parameters_.canonical.swap_bangpath ? text.find('!') : std::string::npos;
    const std::size_t percent = parameters_.canonical.percent_hack ? text.rfind('%') : std::string::npos;
    if (bang != std::string::npos) {
      text = text.substr(bang + 1) + "@" + text.substr(0, bang);
    } else if (percent != std::string::npos) {
      text[percent] = '@';
    } else {
      return text;
    }
  }
  const std::string domain = text.substr(text.rfind('@') + 1);
  const bool wants_more = !domain.empty() && !domain.contains('.') && !domain.starts_with('[');
  if (wants_more && !parameters_.canonical.domain.empty()) text += "." + parameters_.canonical.domain;
  return text;
}

bool Resolver::names_a_route(std::string_view local) const { return local.find_first_of("@!%") != std::string_view::npos; }

// Asks for user+ext@domain, user@domain, for a domain of ours also user+ext and user, and @domain.
Result<maps::Found> Resolver::find(const maps::Maps& maps, std::string_view parameter, std::string_view address) const {
  const maps::AddressSearch search{
      .delimiters = parameters_.delimiters,
      .is_local_domain = [](const void* self, std::string_view domain) {
        const auto& resolver = *static_cast<const Resolver*>(self);
        return ascii::equal_ignoring_case(domain, resolver.parameters_.myorigin) ||
               resolver.domains_.is_local(domain).value_or(false);
      },
      .context = this};
  auto found = maps::find_address(maps, address, search, nullptr);
  if (found) return found;
  maillog::warning("{}", found.error().message());
  return base::fail(fmt::format("{} lookup failure", parameter));
}

// What a table says of a sender, or what holds for all others.
Result<std::string> Resolver::of_sender(const maps::Maps& maps, std::string_view parameter, std::string_view sender,
                                        std::string_view null_key, std::string_view otherwise) const {
  maps::Found found = TRY(find(maps, parameter, sender.empty() ? null_key : sender));
  if (!found || ascii::equal_ignoring_case(*found, "DUNNO")) return std::string(otherwise);
  return std::move(*found);
}

Result<Route> Resolver::route_of(AddressClass address_class, std::string_view sender, std::string_view domain) const {
  Route route;
  bool by_relayhost = false;
  switch (address_class) {
    case AddressClass::local: route = parse_route(parameters_.local_transport); break;
    case AddressClass::virtual_alias:
      return Route{parameters_.error_transport, parameters_.show_user_unknown_table_name ? "5.1.1 User unknown in virtual alias table" : "5.1.1 User unknown"};
    case AddressClass::virtual_mailbox: route = parse_route(parameters_.virtual_transport); break;
    case AddressClass::relay:
      route = parse_route(parameters_.relay_transport);
      by_relayhost = true;
      break;
    case AddressClass::other:
      route = parse_route(TRY(of_sender(address_maps_.sender_default_transport, "sender_dependent_default_transport_maps", sender,
                                        parameters_.null_sender_in_transport_maps, parameters_.default_transport)));
      by_relayhost = true;
      break;
  }
  if (route.nexthop.empty() && by_relayhost) {
    route.nexthop = TRY(of_sender(address_maps_.sender_relayhost, "sender_dependent_relayhost_maps", sender,
                                  parameters_.null_sender_in_relayhost_maps, parameters_.relayhost));
  }
  if (route.nexthop.empty()) route.nexthop = domain;
  return route;
}

Result<AddressAnswer> Resolver::resolve_or_fail(std::string_view sender, std::string_view address) const {
  AddressAnswer answer;
  const Split parts = TRY(split(address));
  answer.address = parts.local + "@" + parts.domain;
  if (!parts.is_valid) {
    answer.status = ResolveStatus::error;
    answer.transport = parameters_.error_transport;
    answer.nexthop = bad_address;
    return answer;
  }
  answer.has_routing = names_a_route(parts.local);
  answer.address_class = TRY(domains_.class_of(parts.domain));
  Route route = TRY(route_of(answer.address_class, sender, parts.domain));
  if (route.transport.empty()) {
    return base::fail(fmt::format("file main.cf: parameter {}: null transport is not allowed", transport_parameter(answer.address_class)));
  }
  if (answer.address_class != AddressClass::virtual_alias) {
    if (auto applied = transport_maps_.apply(answer.address, parts.domain, route); !applied) {
      maillog::warning("{}", applied.error().message());
      return base::fail("transport_maps lookup failure");
    }
  }
  if (const maps::Found moved = TRY(find(address_maps_.relocated, "relocated_maps", answer.address)); moved) {
    route = {parameters_.error_transport, parameters_.relocated_prefix + *moved};
    answer.status = ResolveStatus::error;
  }
  answer.transport = std::move(route.transport);
  answer.nexthop = std::move(route.nexthop);
  // A name that a command would take for an option.
  if (parts.local.starts_with('-') && !parameters_.allow_min_user) {
    answer.status = ResolveStatus::error;
    answer.transport = parameters_.error_transport;
    answer.nexthop = bad_address;
  }
  return answer;
}

AddressAnswer Resolver::resolve(std::string_view sender, std::string_view address) const {
  Result<AddressAnswer> answer = resolve_or_fail(sender, address);
  if (answer) return std::move(*answer);
  maillog::warning("{}", answer.error().message());
  AddressAnswer failed;
  failed.address = address;
  failed.status = ResolveStatus::fail;
  return failed;
}

}  // namespace rewrite
