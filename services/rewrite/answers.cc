#include <algorithm>

#include "lib/log/log.h"
#include "lib/maps/list.h"
#include "services/rewrite/service.h"

namespace rewrite {
namespace {

// Whether a name is in parent_domain_matches_subdomains.
bool parents_match(const Params& params, std::string_view name) {
  const std::vector<std::string_view> names = maps::split_list(params.parent_domain_matches_subdomains);
  return std::ranges::find(names, name) != names.end();
}

CanonicalRules rules_of(const Params& params, const std::string& origin, const std::string& domain) {
  return {
      .origin = params.append_at_myorigin ? origin : std::string(),
      .domain = params.append_dot_mydomain ? domain : std::string(),
      .swap_bangpath = params.swap_bangpath,
      .percent_hack = params.allow_percent_hack,
  };
}

}  // namespace

Result<Answers> Answers::make(const Params& params, maps::Tables& tables, std::vector<std::string> own_addresses) {
  const CanonicalRules local = rules_of(params, params.myorigin, params.mydomain);
  // Mail of others is completed with a domain of its own kind, or with none.
  const CanonicalRules remote = rules_of(params, params.remote_header_rewrite_domain, params.remote_header_rewrite_domain);
  maps::Flags flags = maps::Flags::fold_keys | maps::Flags::no_substitution;
  if (params.smtputf8_enable) flags = flags | maps::Flags::utf8;
  const mail::Delimiters delimiters{params.recipient_delimiter, params.owner_request_special};
  TransportMaps transport_maps(TRY(maps::Maps::open(tables, "transport_maps", params.transport_maps, flags)), delimiters,
                               parents_match(params, "transport_maps"));
  Domains domains = TRY(Domains::open(tables, {
                                                  .mydestination = params.mydestination,
                                                  .virtual_alias_domains = params.virtual_alias_domains,
                                                  .virtual_mailbox_domains = params.virtual_mailbox_domains,
                                                  .relay_domains = params.relay_domains,
                                                  .relay_parents_match = parents_match(params, "relay_domains"),
                                                  .own_addresses = std::move(own_addresses),
                                              }));
  ResolveParameters parameters{
      .myhostname = params.myhostname,
      .empty_address_recipient = params.empty_address_recipient,
      .relayhost = params.relayhost,
      .local_transport = params.local_transport,
      .virtual_transport = params.virtual_transport,
      .relay_transport = params.relay_transport,
      .default_transport = params.default_transport,
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
  // Text for the sender's eyes may be made of the address; a route may not.
  const maps::Flags text_flags = params.smtputf8_enable ? maps::Flags::fold_keys | maps::Flags::utf8 : maps::Flags::fold_keys;
  AddressMaps address_maps{
      .relocated = TRY(maps::Maps::open(tables, "relocated_maps", params.relocated_maps, text_flags)),
      .sender_relayhost = TRY(maps::Maps::open(tables, "sender_dependent_relayhost_maps", params.sender_dependent_relayhost_maps, flags)),
      .sender_default_transport = TRY(maps::Maps::open(tables, "sender_dependent_default_transport_maps",
                                                       params.sender_dependent_default_transport_maps, flags)),
  };
  return Answers(local, remote,
                 Resolver(std::move(parameters), std::move(domains), std::move(transport_maps), std::move(address_maps)));
}

ipc::AddressAnswer Answers::answer(const ipc::AddressRequest& request) const {
  switch (request.question) {
    case ipc::AddressQuestion::resolve: return resolver_.resolve(request.sender, request.address);
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
