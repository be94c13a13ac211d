#include "postscreen/settings.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace postscreen {
namespace {

Result<Action> parse_action(std::string_view parameter, std::string_view value) {
  constexpr std::pair<std::string_view, Action> words[] = {
      {"ignore", Action::ignore}, {"enforce", Action::enforce}, {"drop", Action::drop}};
  for (const auto& [word, action] : words) {
    if (ascii::equal_ignoring_case(word, value)) return action;
  }
  return base::fail(fmt::format("bad {} value: {}", parameter, value));
}

// The value of a parameter that is not expanded: where it says only that it is another's ("$smtpd_reject_footer"), it is the other's.
Result<std::string> raw_of(const config::Main& main, std::string value) {
  if (!value.starts_with("$smtpd_")) return value;
  return main.raw(value.substr(1));
}

}  // namespace

smtp::Ehlo known_keywords(std::string_view value) {
  smtp::Ehlo out = smtp::Ehlo::none;
  for (const std::string_view word : ascii::split(value, ", \t\r\n")) {
    const auto keyword = smtp::parse_ehlo_keywords(word);
    if (keyword) out = out | *keyword;
    else maillog::warning("{}", keyword.error().message());
  }
  return out;
}

Result<Settings> Settings::load(const config::Main& main) {
  Settings out{.params = TRY(Params::load(main))};
  out.params.postscreen_reject_footer = TRY(raw_of(main, std::move(out.params.postscreen_reject_footer)));
  out.params.postscreen_expansion_filter = TRY(raw_of(main, std::move(out.params.postscreen_expansion_filter)));
  const Params& params = out.params;
  out.denylist = TRY(parse_action("postscreen_denylist_action", params.postscreen_denylist_action));
  out.actions = {TRY(parse_action("postscreen_greet_action", params.postscreen_greet_action)),
                 TRY(parse_action("postscreen_dnsbl_action", params.postscreen_dnsbl_action)),
                 TRY(parse_action("postscreen_pipelining_action", params.postscreen_pipelining_action)),
                 TRY(parse_action("postscreen_non_smtp_command_action", params.postscreen_non_smtp_command_action)),
                 TRY(parse_action("postscreen_bare_newline_action", params.postscreen_bare_newline_action))};
  // Without a teaser nobody is tempted to talk too soon.
  if (!params.postscreen_greet_banner.empty()) out.enabled.add(Test::pregreet);
  if (!params.postscreen_dnsbl_sites.empty()) out.enabled.add(Test::dnsbl);
  if (params.postscreen_pipelining_enable) out.enabled.add(Test::pipelining);
  if (params.postscreen_non_smtp_command_enable) out.enabled.add(Test::non_smtp);
  if (params.postscreen_bare_newline_enable) out.enabled.add(Test::bare_newline);
  out.discarded = known_keywords(params.postscreen_discard_ehlo_keywords);
  out.tls = TRY(smtp::tls_level("postscreen_tls_security_level", params.postscreen_tls_security_level, params.postscreen_use_tls,
                                params.postscreen_enforce_tls));
  return out;
}

std::chrono::seconds Settings::lifetime(Test test) const {
  switch (test) {
    case Test::pregreet: return params.postscreen_greet_ttl;
    case Test::dnsbl: return params.postscreen_dnsbl_min_ttl;
    case Test::pipelining: return params.postscreen_pipelining_ttl;
    case Test::non_smtp: return params.postscreen_non_smtp_command_ttl;
    case Test::bare_newline: break;
  }
  return params.postscreen_bare_newline_ttl;
}

Result<Lists> Lists::open(maps::Tables& tables, const Params& params) {
  const auto maps_of = [&](std::string_view parameter, std::string_view value) {
    return maps::Maps::open(tables, parameter, value, maps::Flags::fold_keys);
  };
  Lists out;
  out.access = TRY(AccessList::open(tables, params.postscreen_access_list, params.mynetworks));
  out.interfaces = TRY(maps::MatchList::parse(tables, "postscreen_allowlist_interfaces", params.postscreen_allowlist_interfaces,
                                              maps::ListKind::address, false));
  out.forbidden = TRY(maps::MatchList::parse(tables, "postscreen_forbidden_commands", params.postscreen_forbidden_commands,
                                             maps::ListKind::string, false));
  out.reply_names = TRY(maps_of("postscreen_dnsbl_reply_map", params.postscreen_dnsbl_reply_map));
  out.discard_ehlo = TRY(maps_of("postscreen_discard_ehlo_keyword_address_maps", params.postscreen_discard_ehlo_keyword_address_maps));
  out.command_filter = TRY(maps::Maps::open(tables, "postscreen_command_filter", params.postscreen_command_filter, maps::Flags::none));
  out.footer = TRY(smtp::RejectFooter::open(tables, {.general = params.postscreen_reject_footer,
                                                     .maps_parameter = "postscreen_reject_footer_maps",
                                                     .maps = params.postscreen_reject_footer_maps,
                                                     .expansion_filter = params.postscreen_expansion_filter}));
  out.sites = TRY(DnsblSites::parse(params.postscreen_dnsbl_sites));
  return out;
}

}  // namespace postscreen
