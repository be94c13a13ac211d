#include "smtp/refused_logins.h"

#include <array>
#include <limits>
#include <utility>

#include <fmt/core.h>
#include <openssl/evp.h>

#include "lib/base/ascii.h"
#include "lib/base/base64.h"
#include "lib/log/log.h"

namespace smtp {
namespace {

constexpr std::int64_t second_limit = std::numeric_limits<std::int32_t>::max() * std::int64_t{4};

std::string hash_of(const Login& login) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (EVP_Digest(login.password.data(), login.password.size(), out.data(), &size, EVP_sha1(), nullptr) != 1) return {};
  return base::encode_base64(std::string_view(reinterpret_cast<const char*>(out.data()), size));
}

std::string key_of(const std::string& host, const Login& login) { return host + ";" + login.user; }

// The part before the next ";", which is taken off.
std::string_view take_field(std::string_view& text) {
  const std::string_view field = text.substr(0, text.find(';'));
  text.remove_prefix(std::min(text.size(), field.size() + 1));
  return field;
}

}  // namespace

namespace refused_login {

std::string format(std::chrono::seconds at, const Login& login, const ServerReply& reply) {
  return fmt::format("{};{};{};{}", at.count(), hash_of(login), reply.dsn.text(), reply.text);
}

std::optional<ServerReply> parse(std::string_view entry, const Login& login, std::chrono::seconds now, std::chrono::seconds lifetime) {
  const auto at = ascii::parse_number(take_field(entry), static_cast<std::uint64_t>(second_limit));
  const std::string_view hash = take_field(entry);
  const auto dsn = mail::Dsn::parse(take_field(entry));
  const auto line = parse_reply_line(entry);
  if (!at || !dsn || !line || hash != hash_of(login)) return std::nullopt;
  if (std::chrono::seconds(static_cast<std::int64_t>(*at)) + lifetime <= now) return std::nullopt;
  return ServerReply{.code = line->code, .dsn = *dsn, .text = std::string(entry), .lines = {std::string(line->text)}};
}

}  // namespace refused_login

Result<std::unique_ptr<RefusedLogins>> RefusedLogins::open(maps::Tables& tables, const Params& params, const std::string& prefix,
                                                           const base::Clock& clock) {
  const std::string& name = params.smtp_sasl_auth_cache_name;
  if (name.empty()) return nullptr;
  if (!name.starts_with("proxy:")) return base::fail(fmt::format("{}_sasl_auth_cache_name: \"{}\" must start with \"proxy:\"", prefix, name));
  auto cache = TRY(maps::ExpiringCache::open(tables, {.table = name}, nullptr, clock));
  return std::unique_ptr<RefusedLogins>(new RefusedLogins(std::move(cache), params.smtp_sasl_auth_cache_time, clock));
}

std::optional<ServerReply> RefusedLogins::find(const std::string& host, const Login& login) const {
  const auto found = cache_->lookup(key_of(host, login));
  if (!found) maillog::warning("{}", found.error().message());
  if (!found || !*found) return std::nullopt;
  return refused_login::parse(**found, login, now(), lifetime_);
}

void RefusedLogins::add(const std::string& host, const Login& login, const ServerReply& reply) const {
  if (const auto kept = cache_->put(key_of(host, login), refused_login::format(now(), login, reply)); !kept) {
    maillog::warning("{}", kept.error().message());
  }
}

}  // namespace smtp
