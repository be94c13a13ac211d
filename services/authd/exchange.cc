#include "services/authd/exchange.h"

#include <array>

#include <fmt/format.h>
#include <gsasl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "lib/base/check.h"
#include "lib/io/socket.h"
#include "services/authd/bearer_exchange.h"
#include "services/authd/gsasl_exchange.h"
#include "services/authd/login_exchange.h"

namespace authd {
namespace {

constexpr std::size_t key_size = 32, salt_size = 16;

}  // namespace

Authority::Authority(Passdb passdb, NameFormat format, std::string host_name, bool allows_cleartext, std::unique_ptr<TokenSource> tokens)
    : passdb_(std::move(passdb)),
      format_(std::move(format)),
      host_name_(std::move(host_name)),
      allows_cleartext_(allows_cleartext),
      tokens_(std::move(tokens)),
      key_(key_size, '\0') {
  CHECK(::gsasl_init(&library_) == GSASL_OK);
  ::gsasl_callback_set(library_, &gsasl_callback);
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(key_.data()), static_cast<int>(key_.size())) == 1);
}

Authority::~Authority() { ::gsasl_done(library_); }

bool Authority::takes_cleartext(const Caller& caller) const {
  if (allows_cleartext_ || caller.is_encrypted) return true;
  const auto address = io::Address::parse(caller.client_address);
  // Who speaks to this machine's own address has not left it.
  return address && (address->is_loopback() || caller.client_address == caller.local_address);
}

std::string Authority::salt_for(std::string_view user) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const unsigned char*>(user.data()), user.size(),
       out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), salt_size};
}

Result<std::unique_ptr<Exchange>> Exchange::begin(Authority& authority, const MechanismRow& mechanism, Caller caller) {
  if (mechanism.name == "LOGIN") return std::make_unique<LoginExchange>(authority, mechanism, std::move(caller));
  if (mechanism.needs == Needs::token) return std::make_unique<BearerExchange>(authority, mechanism, std::move(caller));
  return GsaslExchange::begin(authority, mechanism, std::move(caller));
}

std::optional<std::string> Exchange::take_name(std::string_view claimed) {
  user_ = claimed.substr(0, name_limit);
  auto name = authority_.format().apply(claimed);
  if (name) user_ = *name;
  return name;
}

Step Exchange::check(std::string_view claimed, const std::string& password) {
  const auto name = take_name(claimed);
  if (!authority_.takes_cleartext(caller_)) {
    return {Step::Kind::refused, {}, "a password in clear text without TLS", "Passwords in clear text are taken under TLS only"};
  }
  if (!name) return {Step::Kind::refused, {}, "no such name can be", {}};
  auto verdict = authority_.passdb().check(*name, password, asker());
  if (!verdict) return {Step::Kind::unavailable, {}, verdict.error().message(), {}};
  switch (*verdict) {
    case Verdict::right: return {Step::Kind::accepted, {}, {}, {}};
    case Verdict::wrong: return {Step::Kind::refused, {}, "wrong password", {}};
    case Verdict::unknown_user: break;
  }
  return {Step::Kind::refused, {}, "unknown user", {}};
}

}  // namespace authd
