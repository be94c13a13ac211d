#include "lib/log/log.h"
#include "lib/maps/list.h"
#include "services/rewrite/service.h"

namespace rewrite {
namespace {

CanonicalRules rules_of(const Params& params, const std::string& origin, const std::string& domain) {
  return {
      .origin = params.append_at_myorigin ? origin : std::string(),
      .domain = params.append_dot_mydomain ? domain : std::string(),
      .swap_bangpath = params.swap_bangpath,
      .percent_hack = params.allow_percent_hack,
  };
}

// Where mail goes by itself, and where a probe does: the parameters that may differ, and their names.
struct Routes {
  std::string_view prefix;  // of the parameters' names
  std::string Params::*relayhost, Params::*local_transport, Params::*virtual_transport, Params::*relay_transport, Params::*default_transport;
  std::string Params::*transport_maps, Params::*sender_relayhost_maps, Params::*sender_default_transport_maps;
};
constexpr Routes of_mail{"", &Params::relayhost, &Params::local_transport, &Params::virtual_transport, &Params::relay_transport,
                         &Params::default_transport, &Params::transport_maps, &Params::sender_dependent_relayhost_maps,
                         &Params::sender_dependent_default_transport_maps};
constexpr Routes of_probes{"address_verify_", &Params::address_verify_relayhost, &Params::address_verify_local_transport,
                           &Params::address_verify_virtual_transport, &Params::address_verify_relay_transport,
                           &Params::address_verify_default_transport, &Params::address_verify_transport_maps,
                           &Params::address_verify_sender_dependent_relayhost_maps,
                           &Params::address_verify_sender_dependent_default_transport_maps};

maps::Flags flags_of(const Params& params) { return params.smtputf8_enable ? maps::Flags::fold_keys | maps::Flags::utf8 : maps::Flags::fold_keys; }

ResolveParameters parameters_of(const Params& params, const Routes& routes, const CanonicalRules& local, const mail::Delimiters& delimiters) {
  return {
      .myhostname = params.myhostname,
      .empty_address_recipient = params.empty_address_recipient,
      .relayhost = params.*routes.relayhost,
      .error_transport = params.error_service_name,
      .local_transport = params.*routes.local_transport,
      .virtual_transport = params.*routes.virtual_transport,
      .relay_transport = params.*routes.relay_transport,
      .default_transport = params.*routes.default_transport,
      .resolve_dequoted_address = params.resolve_dequoted_address,
      .resolve_null_domain = params.resolve_null_domain,
      .resolve_numeric_domain = params.resolve_numeric_domain,
      .allow_min_user = params.allow_min_user,
      .show_user_unknown_table_name = params.show_user_unknown_table_name,
      .canonical = local,
      .myorigin = params.myorigin,
      .delimiters = delimiters,
      .null_sender_in_relayhost_maps = params.empty_address_relayhost_maps_lookup_key,
      .null_sender_in_transport_maps = params.empty_address_default_transport_maps_lookup_key,
      .relocated_prefix = params.relocated_prefix_enable ? "5.1.6 User has moved to " : "",
  };
}

Result<Resolver> make_resolver(const Params& params, maps::Tables& tables, const std::vector<std::string>& own_addresses,
                               const CanonicalRules& local, const Routes& routes) {
  const mail::Delimiters delimiters{params.recipient_delimiter, params.owner_request_special};
  // Text for the sender's eyes may be made of the address; a route may not.
  const maps::Flags text_flags = flags_of(params), flags = text_flags | maps::Flags::no_substitution;
  const auto open = [&](std::string_view name, const std::string& value, maps::Flags with) {
    return maps::Maps::open(tables, std::string(routes.prefix).append(name), value, with);
  };
  TransportMaps transport_maps(TRY(open("transport_maps", params.*routes.transport_maps, flags)), delimiters,
                               maps::parents_match(params.parent_domain_matches_subdomains, "transport_maps"), params.error_service_name);
  Domains domains = TRY(Domains::open(tables, {
                                                  .mydestination = params.mydestination,
                                                  .virtual_alias_domains = params.virtual_alias_domains,
                                                  .virtual_mailbox_domains = params.virtual_mailbox_domains,
                                                  .relay_domains = params.relay_domains,
                                                  .relay_parents_match = maps::parents_match(params.parent_domain_matches_subdomains, "relay_domains"),
                                                  .own_addresses = own_addresses,
                                              }));
  AddressMaps address_maps{
      .relocated = TRY(maps::Maps::open(tables, "relocated_maps", params.relocated_maps, text_flags)),
      .sender_relayhost = TRY(open("sender_dependent_relayhost_maps", params.*routes.sender_relayhost_maps, flags)),
      .sender_default_transport = TRY(open("sender_dependent_default_transport_maps", params.*routes.sender_default_transport_maps, flags)),
  };
  return Resolver(parameters_of(params, routes, local, delimiters), std::move(domains), std::move(transport_maps), std::move(address_maps));
}

}  // namespace

Result<Answers> Answers::make(const Params& params, maps::Tables& tables, const std::vector<std::string>& own_addresses) {
  const CanonicalRules local = rules_of(params, params.myorigin, params.mydomain);
  // Mail of others is completed with a domain of its own kind, or with none.
  const CanonicalRules remote = rules_of(params, params.remote_header_rewrite_domain, params.remote_header_rewrite_domain);
  Resolver resolver = TRY(make_resolver(params, tables, own_addresses, local, of_mail));
  return Answers(local, remote, std::move(resolver), TRY(make_resolver(params, tables, own_addresses, local, of_probes)));
}

ipc::AddressAnswer Answers::answer(const ipc::AddressRequest& request) const {
  switch (request.question) {
    case ipc::AddressQuestion::resolve: return resolver_.resolve(request.sender, request.address);
    case ipc::AddressQuestion::resolve_probe: return probe_resolver_.resolve(request.sender, request.address);
    case ipc::AddressQuestion::rewrite: break;
  }
  ipc::AddressAnswer answer;
  if (request.rule == "local" || request.rule == "remote") {
    answer.address = canonical_form(request.address, request.rule == "local" ? local_ : remote_);
  } else {
    maillog::warning("unknown rewriting rule: {}", request.rule);
    answer.address = request.address;
    answer.status = ipc::ResolveStatus::fail;
  }
  return answer;
}

}  // namespace rewrite
