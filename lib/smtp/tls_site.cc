#include "lib/smtp/tls_site.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/base64.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "lib/tls/watch.h"

namespace smtp {
namespace {

// tls_server_sni_maps: by the name, and by its parents with a dot in front. OpenSSL's frames are below: no cancellation goes through
// them.
Result<std::optional<std::string>> chain_for(const maps::Maps& maps, std::string_view name) {
  const event::Shield shield;
  if (!is_server_name(name)) return std::optional<std::string>{};
  const auto problem = [&](const base::Error& error) {
    maillog::warning("{}", error.message());
    return base::fail(fmt::format("tls_server_sni_maps: {} map lookup problem", name));
  };
  const auto found = maps.lookup_with_parents(name);
  if (!found) return problem(found.error());
  if (!*found) return std::optional<std::string>{};
  auto pem = base::decode_base64(**found);
  if (!pem) return base::fail(fmt::format("tls_server_sni_maps: malformed BASE64 value for {}: make the table by postmap -F", name));
  return std::optional<std::string>(std::move(*pem));
}

}  // namespace

Result<TlsSite> TlsSite::make(maps::Tables& tables, Wishes wishes, const std::function<void(const std::string&)>& watch_file) {
  TlsSite site;
  site.level = wishes.level;
  if (site.level == TlsLevel::none) return site;
  site.log_levels = TRY(TlsLogLevels::open(tables, wishes.log_parameter, wishes.log_level, wishes.log_level_maps));
  const bool is_demanded = site.level == TlsLevel::encrypt;
  site.demands_certificate = is_demanded && wishes.requires_certificate;
  if (wishes.requires_certificate && !is_demanded) maillog::warning("Can't require client certs unless TLS is required");
  tls::ServerSettings& wanted = wishes.settings;
  wanted.asks_certificate = wanted.asks_certificate || site.demands_certificate;
  auto names = std::make_shared<maps::Maps>(TRY(maps::Maps::open(tables, "tls_server_sni_maps", wishes.names, maps::Flags::fold_keys)));
  if (!names->empty()) wanted.find_chain = [names](std::string_view name) { return chain_for(*names, name); };
  tls::watch(wanted.credentials, wanted.ca_file, watch_file);
  auto context = tls::ServerContext::make(wanted);
  if (context) {
    site.context = std::move(*context);
  } else {
    maillog::warning("{}", context.error().message());
    tls::log_library_problems();
  }
  return site;
}

void TlsSite::log_start(std::string_view client, tls::Detail detail) {
  if (detail >= tls::Detail::steps) maillog::info("setting up TLS connection from {}", client);
}

void TlsSite::log_connection(std::string_view client, const tls::Facts& facts, tls::Detail detail) const {
  const bool is_loud = detail >= tls::Detail::steps;
  if (facts.has_raw_key && is_loud) {
    maillog::info("{}: raw public key fingerprint={}", client, facts.public_key_fingerprint);
  } else if (facts.trust == tls::Trust::untrusted && !facts.has_raw_key && (demands_certificate || is_loud)) {
    maillog::info("certificate verification failed for {}: {}", client, facts.verification_error);
  }
  if (facts.is_resumed && is_loud) maillog::info("{}: Reusing old session (RFC 5077 session ticket)", client);
  const bool has_names = context->settings().find_chain != nullptr;
  if (has_names && !is_server_name(facts.server_name) && !facts.server_name.empty()) {
    maillog::warning("TLS SNI from {} is invalid: {}", client, facts.server_name);
  } else if (detail >= tls::Detail::summary && has_names && !facts.server_name.empty() && !facts.has_own_chain) {
    maillog::info("TLS SNI {} from {} not matched, using default chain", facts.server_name, client);
  }
  if (detail < tls::Detail::summary) return;
  maillog::info("{} TLS connection established from {}{}: {}", tls::name(facts.trust), client, facts.has_own_chain ? " to " + facts.server_name : "",
                facts.text());
}

bool TlsSite::is_satisfied_by(const tls::Facts& facts) const { return !demands_certificate || facts.trust == tls::Trust::trusted; }

bool is_server_name(std::string_view name) {
  constexpr std::size_t limit = 255;
  const auto is_good = [](char c) { return ascii::is_alnum(c) || c == '-' || c == '.' || c == '_'; };
  return !name.empty() && name.size() <= limit && std::ranges::all_of(name, is_good);
}

}  // namespace smtp
