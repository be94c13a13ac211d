#include "smtpd/sasl.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace smtpd {

namespace {

// The default of smtpd_sasl_path is where authd(8) is; with cyrus it is the name of a file, and Postfix' default is this.
constexpr std::string_view authd_path = "private/auth", cyrus_name = "smtpd";

Result<std::unique_ptr<LoginServer>> make_server(const Params& params) {
  if (params.smtpd_sasl_type == "dovecot") return make_dovecot_server(params.smtpd_sasl_path);
  if (params.smtpd_sasl_type == "cyrus") {
    return make_cyrus_server({.config_path = params.cyrus_sasl_config_path,
                              .name = params.smtpd_sasl_path == authd_path ? std::string(cyrus_name) : params.smtpd_sasl_path,
                              .service = params.smtpd_sasl_service,
                              .local_domain = params.smtpd_sasl_local_domain});
  }
  return base::fail(fmt::format("smtpd_sasl_type = {} is not there; there are dovecot, for authd(8) and Dovecot's authentication service, and "
                                "cyrus, for saslauthd",
                                params.smtpd_sasl_type));
}

}  // namespace

Result<std::unique_ptr<Sasl>> Sasl::open(maps::Tables& tables, const Params& params) {
  if (!params.smtpd_sasl_auth_enable) return nullptr;
  auto server = TRY(make_server(params));
  const auto plain = TRY(auth::SecurityOptions::parse("smtpd_sasl_security_options", params.smtpd_sasl_security_options));
  const auto encrypted = TRY(auth::SecurityOptions::parse("smtpd_sasl_tls_security_options", params.smtpd_sasl_tls_security_options));
  auto filter = TRY(maps::MatchList::parse(tables, "smtpd_sasl_mechanism_filter", params.smtpd_sasl_mechanism_filter,
                                           maps::ListKind::string, false));
  auto exceptions = TRY(maps::MatchList::parse(tables, "smtpd_sasl_exceptions_networks", params.smtpd_sasl_exceptions_networks,
                                               maps::ListKind::address, false));
  return std::unique_ptr<Sasl>(new Sasl(std::move(server), plain, encrypted, std::move(filter), std::move(exceptions)));
}

std::string Sasl::announced_to(const Client& client, Channel channel) {
  if (client.is_ip && !exceptions_.empty()) {
    const auto is_exception = exceptions_.matches(client.name, client.address);
    if (!is_exception) maillog::warning("{}", is_exception.error().message());
    if (!is_exception || *is_exception) return {};
  }
  const auto offered = server_->mechanisms();
  if (!offered) {
    const bool is_missing = offered.error().code() == ENOENT || offered.error().code() == ECONNREFUSED;
    maillog::warning("SASL: {}{}", offered.error().message(),
                     is_missing ? ": neither authd(8) has a line for it in master.cf, nor does Dovecot listen there" : "");
    return {};
  }
  std::string out;
  for (const auth::Mechanism& mechanism : *offered) {
    if (!allows(mechanism, channel) || !passes_filter(mechanism)) continue;
    if (!out.empty()) out += ' ';
    out += mechanism.name;
  }
  return out;
}

// One that is bound to the channel is hidden from programs that could not tell the server what to; we can, where there is something.
bool Sasl::allows(const auth::Mechanism& mechanism, Channel channel) const {
  const auto has = [&](auth::Property property) { return (mechanism.properties & property) != auth::Property::none; };
  if (has(auth::Property::channel_binding) ? !channel.has_binding : has(auth::Property::hidden)) return false;
  // Dovecot's, since 2.4: it would want to be told in a way that we do not know.
  if (!has(auth::Property::channel_binding) && mechanism.name.ends_with("-PLUS")) return false;
  return (channel.is_encrypted ? encrypted_ : plain_).allow(mechanism.properties);
}

bool Sasl::passes_filter(const auth::Mechanism& mechanism) const {
  const auto passes = filter_.empty() ? Result<bool>(true) : filter_.matches(mechanism.name);
  if (!passes) maillog::warning("{}", passes.error().message());
  return passes && *passes;
}

Result<std::optional<Sasl::Chosen>> Sasl::find(std::string_view mechanism, Channel channel) {
  const std::vector<auth::Mechanism> offered = TRY(server_->mechanisms());
  const auto named = [&](std::string_view name) {
    const auto found = std::ranges::find_if(offered, [&](const auth::Mechanism& one) { return ascii::equal_ignoring_case(one.name, name); });
    return found != offered.end() && allows(*found, channel) ? &*found : nullptr;
  };
  const auth::Mechanism* const chosen = named(mechanism);
  if (chosen == nullptr) return std::nullopt;
  const auth::Mechanism* const bound = named(chosen->name + "-PLUS");
  const bool is_bound = (chosen->properties & auth::Property::channel_binding) != auth::Property::none;
  return Chosen{chosen->name, is_bound || (bound != nullptr && passes_filter(*bound))};
}

}  // namespace smtpd
