#include "services/oauthd/service.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "lib/base/ascii.h"
#include "lib/io/file.h"
#include "lib/log/log.h"
#include "services/oauthd/jwt.h"

namespace oauthd {
namespace {

using ipc::TokenAnswer;
using ipc::TokenVerdict;

constexpr std::size_t secret_limit = 4096;
constexpr std::chrono::seconds turn_wait{5};

std::vector<std::string> words_of(std::string_view value) {
  std::vector<std::string> out;
  for (const std::string_view word : ascii::split(value, ", \t\r\n")) out.emplace_back(word);
  return out;
}

// RFC 6750 section 2.1, b64token: what is none need not be shown to anybody.
bool is_token(std::string_view text) {
  const std::string_view body = text.substr(0, text.find_last_not_of('=') + 1);
  return !body.empty() && text.size() <= token_limit &&
         std::ranges::all_of(body, [](char c) { return ascii::is_alnum(c) || std::string_view("-._~+/").contains(c); });
}

std::string digest_of(std::string_view token) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  EVP_Digest(token.data(), token.size(), out.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(out.data()), size};
}

TokenAnswer answer_of(Judgement judgement) { return {judgement.verdict, std::move(judgement.user), std::move(judgement.why)}; }

Result<std::vector<Key>> read_keys(server::Startup& startup, std::string_view files) {
  std::vector<Key> out;
  for (const std::string& path : words_of(files)) {
    const std::string text = TRY(io::read_file(path, json_key_set_limit));
    auto keys = parse_keys(text);
    if (!keys) return base::Failure(std::move(keys).error().within("auth_oauth_keys: " + path));
    std::ranges::move(*keys, std::back_inserter(out));
    startup.watch_file(path);
  }
  return out;
}

Result<std::unique_ptr<Introspection>> open_introspection(server::Startup& startup, const Params& params) {
  if (params.auth_oauth_introspection_url.empty()) return nullptr;
  IntrospectionSettings settings{.url = params.auth_oauth_introspection_url,
                                 .client_id = params.auth_oauth_client_id,
                                 .secret = {},
                                 .authorities_file = params.auth_oauth_tls_CAfile,
                                 .timeout = params.auth_oauth_introspection_timeout};
  if (const std::string& path = params.auth_oauth_client_secret_file; !path.empty()) {
    settings.secret = ascii::trim(TRY(io::read_file(path, secret_limit)));
    startup.watch_file(path);
  }
  return Introspection::open(std::move(settings));
}

}  // namespace

Service::Service(const Params& params, Demands demands, std::vector<Key> keys, std::unique_ptr<Introspection> introspection, const base::Clock& clock)
    : demands_(std::move(demands)),
      keys_(std::move(keys)),
      introspection_(std::move(introspection)),
      cache_(static_cast<std::size_t>(params.auth_oauth_cache_size), params.auth_oauth_cache_time, clock),
      clock_(clock) {}

Result<std::unique_ptr<server::Service>> Service::make(server::Startup& startup) {
  const Params params = TRY(Params::load(startup.main));
  Demands demands{.issuers = words_of(params.auth_oauth_issuer),
                  .audiences = words_of(params.auth_oauth_audience),
                  .scopes = words_of(params.auth_oauth_scope),
                  .username_claim = params.auth_oauth_username_claim,
                  .leeway = params.auth_oauth_leeway};
  auto keys = TRY(read_keys(startup, params.auth_oauth_keys));
  // RFC 8725 sections 3.8 and 3.9: a token that the same issuer made for somebody else's service is not for us.
  if (!keys.empty() && (demands.issuers.empty() || demands.audiences.empty())) {
    return base::fail("auth_oauth_keys needs auth_oauth_issuer and auth_oauth_audience: else a token for any other service would let in here");
  }
  auto introspection = TRY(open_introspection(startup, params));
  return std::unique_ptr<server::Service>(new Service(params, std::move(demands), std::move(keys), std::move(introspection), startup.clock));
}

void Service::serve(server::Connection& connection) {
  server::serve_requests<ipc::Token>(connection, [this](const ipc::TokenRequest& request) { return check(request.token); });
}

TokenAnswer Service::check(const std::string& token) {
  if (!is_token(token)) return {TokenVerdict::invalid, {}, "no token"};
  if (!keys_.empty() && looks_like_jwt(token)) {
    const auto claims = verified_claims(token, keys_);
    if (!claims) return {TokenVerdict::invalid, {}, claims.error().message()};
    return answer_of(judge(*claims, Source::jwt, demands_, clock_.stamp()));
  }
  if (introspection_) return ask(token);
  return {TokenVerdict::invalid, {}, "no JWT"};
}

TokenAnswer Service::ask(const std::string& token) {
  const std::string digest = digest_of(token);
  if (const std::string* const user = cache_.find(digest)) return {TokenVerdict::valid, *user, {}};
  if (!turns_.acquire(base::after(turn_wait))) return {TokenVerdict::unavailable, {}, "too many tokens at a time"};
  const auto said = introspection_->ask(token);
  turns_.release();
  if (!said) return {TokenVerdict::unavailable, {}, said.error().message()};
  if (!said->at("active").get<bool>()) return {TokenVerdict::invalid, {}, "not active"};
  Judgement judgement = judge(*said, Source::introspection, demands_, clock_.stamp());
  if (judgement.verdict == TokenVerdict::valid) cache_.keep(digest, judgement.user, judgement.ends);
  return answer_of(std::move(judgement));
}

}  // namespace oauthd
