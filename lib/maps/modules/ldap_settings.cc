#include "lib/maps/modules/ldap_settings.h"

#include <algorithm>

#include <fmt/core.h>
#include <ldap.h>

#include "lib/maps/modules/server_names.h"

namespace maps::module {
namespace {

std::string_view without_options(std::string_view name) { return name.substr(0, name.find(';')); }

// What is asked for when a URL names `url` and the table `ours`: options count if only one of the two has them.
std::optional<std::string> requested(std::string_view url, std::string_view ours) {
  if (ascii::equal_ignoring_case(url, ours)) return std::string(ours);
  if (url.contains(';') && ours.contains(';')) return std::nullopt;
  if (!ascii::equal_ignoring_case(without_options(url), without_options(ours))) return std::nullopt;
  return std::string(url.contains(';') ? url : ours);
}

void add_once(std::vector<std::string>& to, std::string name) {
  if (std::ranges::find(to, name) == to.end()) to.push_back(std::move(name));
}

Result<std::vector<std::string>> names_of(const Settings& settings, std::string_view name, std::string_view fallback) {
  return words_of(TRY(settings.string(name, fallback)));
}

}  // namespace

std::vector<std::string> LdapAttributes::all() const {
  std::vector<std::string> names;
  for (const auto* const list : {&results, &specials, &terminals, &leaves}) {
    for (const std::string& name : *list) add_once(names, name);
  }
  return names;
}

std::vector<std::string> LdapAttributes::among(const std::vector<std::string>& names) const {
  const std::vector<std::string> ours = all();
  if (names.empty()) return ours;
  std::vector<std::string> both;
  for (const std::string& name : names) {
    for (const std::string& own : ours) {
      if (auto wanted = requested(name, own)) add_once(both, std::move(*wanted));
    }
  }
  return both;
}

bool LdapAttributes::is_in(const std::vector<std::string>& list, std::string_view name) {
  return std::ranges::any_of(list, [&](const std::string& listed) {
    return ascii::equal_ignoring_case(listed, name) || (!listed.contains(';') && ascii::equal_ignoring_case(listed, without_options(name)));
  });
}

Result<LdapSettings> LdapSettings::read(const Settings& settings) {
  LdapSettings result;
  result.source = settings.source();
  TRY(result.read_server(settings));
  TRY(result.read_search(settings));
  TRY(result.read_bind(settings));
  TRY(result.read_tls(settings));
  for (const std::string_view name : {"cache", "cache_expiry", "cache_size"}) {
    if (!TRY(settings.string(name, "")).empty()) result.warnings.push_back(fmt::format("dict_ldap_open: {} ignoring {}", result.source, name));
  }
  return result;
}

// "host", "host:port" and URLs; of the first two URLs are made.
Result<void> LdapSettings::read_server(const Settings& settings) {
  const int port = TRY(settings.integer("server_port", LDAP_PORT, 0));
  std::vector<std::string> servers = words_of(TRY(settings.needed("server_host", "localhost")));
  for (const std::string& server : servers) {
    if (!uris.empty()) uris += ' ';
    if (server.contains("://")) {
      uris += server;
    } else {
      const bool has_port = server.rfind(':') != std::string::npos && !server.ends_with(']');
      uris += has_port ? fmt::format("ldap://{}", server) : fmt::format("ldap://{}:{}", server, port);
    }
  }
  timeout = std::chrono::seconds(TRY(settings.integer("timeout", 10, 1)));
  version = TRY(settings.integer("version", LDAP_VERSION3, 0));
  if (version != LDAP_VERSION2 && version != LDAP_VERSION3) {
    warnings.push_back(fmt::format("dict_ldap_open: {} Unknown version {}, using 3.", source, version));
    version = LDAP_VERSION3;
  }
  debug_level = TRY(settings.integer("debuglevel", 0, 0));
  return {};
}

Result<void> LdapSettings::read_search(const Settings& settings) {
  search_base = TRY(settings.string("search_base", ""));
  query_filter = TRY(settings.string("query_filter", "mailacceptinggeneralid=%s"));
  for (std::size_t at = search_base.find('%'); at != std::string::npos; at = search_base.find('%', at + 2)) {
    base_has_key = base_has_key || (at + 1 < search_base.size() && search_base[at + 1] != '%');
  }
  if (!query_filter.contains('%')) {
    warnings.push_back(fmt::format("dict_ldap_open: {}: Fixed query_filter {} is probably useless", source, query_filter));
  }
  result_format = TRY(settings.string("result_filter", "%s"));
  attributes.results = TRY(names_of(settings, "result_attribute", "maildrop"));
  attributes.specials = TRY(names_of(settings, "special_result_attribute", ""));
  attributes.terminals = TRY(names_of(settings, "terminal_result_attribute", ""));
  attributes.leaves = TRY(names_of(settings, "leaf_result_attribute", ""));
  const std::string word = TRY(settings.string("scope", "sub"));
  scope = word == "one" ? LDAP_SCOPE_ONELEVEL : word == "base" ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE;
  if (scope == LDAP_SCOPE_SUBTREE && word != "sub") {
    warnings.push_back(fmt::format("dict_ldap_open: {}: Unrecognized value {} specified for scope; using sub", source, word));
  }
  recursion_limit = TRY(settings.integer("recursion_limit", 1000, 1));
  const int expansion_limit = TRY(settings.integer("expansion_limit", 0, 0));
  size_limit = TRY(settings.integer("size_limit", expansion_limit, 0));
  dereference = TRY(settings.integer("dereference", 0, 0));
  if (dereference > LDAP_DEREF_ALWAYS) {
    warnings.push_back(fmt::format("dict_ldap_open: {} Unrecognized value {} specified for dereference; using 0", source, dereference));
    dereference = LDAP_DEREF_NEVER;
  }
  chases_referrals = TRY(settings.boolean("chase_referrals", false));
  return {};
}

Result<void> LdapSettings::read_bind(const Settings& settings) {
  const std::string how = TRY(settings.string("bind", "yes"));
  if (ascii::equal_ignoring_case(how, "no") || ascii::equal_ignoring_case(how, "none")) {
    bind = LdapBind::none;
  } else if (ascii::equal_ignoring_case(how, "sasl")) {
    bind = LdapBind::sasl;
  } else if (!ascii::equal_ignoring_case(how, "yes") && !ascii::equal_ignoring_case(how, "simple")) {
    return base::fail(fmt::format("{}: unsupported parameter value: bind = {}", source, how));
  }
  bind_dn = TRY(settings.string("bind_dn", ""));
  bind_password = TRY(settings.string("bind_pw", ""));
  return bind == LdapBind::sasl ? read_sasl(settings) : Result<void>();
}

// What needs more than one step, or a library of its own, is refused here and not when the first mail comes.
Result<void> LdapSettings::read_sasl(const Settings& settings) {
  const auto refused = [&](std::string_view why) { return base::fail(fmt::format("{}: bind = sasl: {}", source, why)); };
  if (version != LDAP_VERSION3) return refused("needs version = 3");
  sasl_mechanisms = TRY(names_of(settings, "sasl_mechs", ""));
  if (sasl_mechanisms.empty()) sasl_mechanisms = {bind_password.empty() ? "EXTERNAL" : "PLAIN"};
  for (std::string& name : sasl_mechanisms) {
    std::ranges::transform(name, name.begin(), ascii::to_upper);
    if (name != "EXTERNAL" && name != "PLAIN") return refused(fmt::format("of mechanisms there are EXTERNAL and PLAIN, not {}", name));
  }
  sasl_authorization = TRY(settings.string("sasl_authz_id", ""));
  if (!TRY(settings.string("sasl_realm", "")).empty()) return refused("neither EXTERNAL nor PLAIN has a sasl_realm");
  if (TRY(settings.integer("sasl_minssf", 0, 0)) > 0) return refused("sasl_minssf is not there: demand TLS instead");
  return {};
}

Result<void> LdapSettings::read_tls(const Settings& settings) {
  starts_tls = TRY(settings.boolean("start_tls", false));
  verifies = TRY(settings.boolean("tls_require_cert", false));
  ca_directory = TRY(settings.string("tls_ca_cert_dir", ""));
  ca_file = TRY(settings.string("tls_ca_cert_file", ""));
  certificate = TRY(settings.string("tls_cert", ""));
  key = TRY(settings.string("tls_key", ""));
  random_file = TRY(settings.string("tls_random_file", ""));
  cipher_suite = TRY(settings.string("tls_cipher_suite", ""));
  return {};
}

}  // namespace maps::module
