// What is read and opened at start: the tables, the lists, the classes.

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/config/interfaces.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"
#include "lib/maps/dns_reply_filter.h"
#include "lib/maps/list.h"
#include "smtpd/policy/policy.h"
#include "smtpd/policy/policy_client.h"

namespace smtpd::policy {
namespace {

constexpr maps::Flags address_flags = maps::Flags::fold_keys | maps::Flags::utf8;

}  // namespace

Result<Tables> Tables::open(maps::Tables& tables, const config::Main& main, const Params& params) {
  Tables out;
  using maps::ListKind;
  const auto list_of = [&](std::string_view parameter, std::string_view value, ListKind kind) {
    return maps::MatchList::parse(tables, parameter, value, kind, false);
  };
  const auto maps_of = [&](std::string_view parameter, std::string_view value) {
    return maps::Maps::open(tables, parameter, value, address_flags);
  };
  out.mynetworks = TRY(list_of("mynetworks", params.mynetworks, ListKind::address));
  out.logged_permissions = TRY(list_of("smtpd_log_access_permit_actions", params.smtpd_log_access_permit_actions, ListKind::string));
  out.local_recipients = TRY(maps_of("local_recipient_maps", params.local_recipient_maps));
  out.canonical = TRY(maps_of("canonical_maps", params.canonical_maps));
  out.sender_canonical = TRY(maps_of("sender_canonical_maps", params.sender_canonical_maps));
  out.recipient_canonical = TRY(maps_of("recipient_canonical_maps", params.recipient_canonical_maps));
  out.virtual_aliases = TRY(maps_of("virtual_alias_maps", params.virtual_alias_maps));
  out.virtual_mailboxes = TRY(maps_of("virtual_mailbox_maps", params.virtual_mailbox_maps));
  out.relay_recipients = TRY(maps_of("relay_recipient_maps", params.relay_recipient_maps));
  out.sender_logins = TRY(maps_of("smtpd_sender_login_maps", params.smtpd_sender_login_maps));
  out.relay_clientcerts = TRY(maps_of("relay_clientcerts", params.relay_clientcerts));
  out.rbl_replies = TRY(maps_of("rbl_reply_maps", params.rbl_reply_maps));
  const bool parents_match = maps::parents_match(params.parent_domain_matches_subdomains, "permit_mx_backup_networks");
  out.mx_backup_networks = TRY(maps::MatchList::parse(tables, "permit_mx_backup_networks", params.permit_mx_backup_networks,
                                                      ListKind::address, parents_match));
  for (const config::Interface& interface : TRY(config::used_interfaces(main))) {
    if (const auto address = io::Address::parse(interface.text())) out.own_addresses.push_back(*address);
  }
  for (const std::string& text : TRY(config::own_addresses(main))) {
    if (const auto address = io::Address::parse(text)) out.reachable_addresses.push_back(*address);
  }
  out.resolver = TRY(dns::Resolver::open({}));
  TRY(maps::filter_replies(*out.resolver, tables, "smtpd_dns_reply_filter", params.smtpd_dns_reply_filter));
  return out;
}

namespace {

struct Named {
  std::string_view parameter;
  Restrictions Lists::*list;
};

// A class may hold classes, whatever the order in which they are named.
Result<void> parse_classes(Lists& lists, const config::Main& main, const Params& params, const Restrictions::Names& names) {
  for (const std::string_view name : ascii::split(params.smtpd_restriction_classes, ", \t\r\n")) lists.class_names.emplace(name);
  for (const std::string& name : lists.class_names) {
    const std::string value = TRY(main.string(name));
    if (ascii::trim(value).empty()) return base::fail(fmt::format("restriction class `{}' needs a definition", name));
    lists.classes.emplace(name, Restrictions::parse(value, names));
  }
  return {};
}

std::shared_ptr<PolicyClient> make_policy_client(const void* context, std::string_view text) {
  auto client = PolicyClient::parse(text, *static_cast<const PolicySettings*>(context));
  if (client) return std::move(*client);
  maillog::warning("check_policy_service: {}", client.error().message());
  return nullptr;
}

}  // namespace

Result<Lists> Lists::parse(const config::Main& main, const Params& params, maps::Tables& tables) {
  Lists out;
  out.offers_sasl = TRY(main.boolean("smtpd_sasl_auth_enable"));
  out.asks_certificates = TRY(main.boolean("smtpd_tls_ask_ccert"));
  out.wants_raw_keys = TRY(main.boolean("smtpd_tls_enable_rpk"));
  out.unknown_address_tempfail = TRY(parse_tempfail("unknown_address_tempfail_action", params.unknown_address_tempfail_action));
  out.unknown_helo_tempfail = TRY(parse_tempfail("unknown_helo_hostname_tempfail_action", params.unknown_helo_hostname_tempfail_action));
  out.unverified_sender_tempfail = TRY(parse_tempfail("unverified_sender_tempfail_action", params.unverified_sender_tempfail_action));
  out.unverified_recipient_tempfail = TRY(parse_tempfail("unverified_recipient_tempfail_action", params.unverified_recipient_tempfail_action));
  out.access_parents_match = maps::parents_match(params.parent_domain_matches_subdomains, "smtpd_access_maps");

  const PolicySettings settings = PolicySettings::of(params);
  Restrictions::Names names{.tables = &tables, .classes = &out.class_names, .make_service = &make_policy_client, .context = &settings};
  TRY(parse_classes(out, main, params, names));
  const auto list = [&](std::string_view value) { return Restrictions::parse(value, names); };
  out.client = list(params.smtpd_client_restrictions);
  out.helo = list(params.smtpd_helo_restrictions);
  out.sender = list(params.smtpd_sender_restrictions);
  out.relay = list(params.smtpd_relay_restrictions);
  out.recipient = list(params.smtpd_recipient_restrictions);
  out.data = list(params.smtpd_data_restrictions);
  out.end_of_data = list(params.smtpd_end_of_data_restrictions);
  out.etrn = list(params.smtpd_etrn_restrictions);
  if (!out.guards_relay(out.relay) && !out.guards_relay(out.recipient)) {
    return base::fail(
        "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance of: "
        "reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit or check_relay_domains");
  }
  return out;
}

bool Lists::guards_relay(const Restrictions& list, int depth) const {
  if (depth > Asking::nesting_limit) return false;
  for (const Item& item : list.items()) {
    if (item.row == nullptr) {
      if (item.flaw.empty()) return true;   // refuses everyone
      continue;
    }
    if (item.row->guard == Guard::relay && !item.is_warning) return true;
    if (item.row->check == &permit) return false;
    if (item.row->check != &ask_class || item.is_warning) continue;
    if (const Restrictions* const nested = find_class(item.name); nested != nullptr && guards_relay(*nested, depth + 1)) return true;
  }
  return false;
}

}  // namespace smtpd::policy
