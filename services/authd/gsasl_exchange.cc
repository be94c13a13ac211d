#include "services/authd/gsasl_exchange.h"

#include <fmt/format.h>

#include "lib/base/base64.h"
#include "lib/event/loop.h"
#include "lib/event/offload.h"

namespace authd {
namespace {

// For passwords that are stored as they are; RFC 7677 section 4 wants no less.
constexpr std::uint32_t iterations = 4096;
constexpr std::string_view anonymous_user = "anonymous";

// RFC 4013, as the client has to; what cannot be normalized is as it was, and no client has it.
std::string normalized(const std::string& password) {
  char* out = nullptr;
  if (::gsasl_saslprep(password.c_str(), GSASL_ALLOW_UNASSIGNED, &out, nullptr) != GSASL_OK) return password;
  const std::unique_ptr<char, decltype(&::gsasl_free)> owner(out, &::gsasl_free);
  return out;
}

}  // namespace

int gsasl_callback(Gsasl*, Gsasl_session* session, Gsasl_property property) {
  auto* const exchange = static_cast<GsaslExchange*>(::gsasl_session_hook_get(session));
  if (exchange == nullptr) return GSASL_NO_CALLBACK;
  // No exception may go through the library's frames.
  const event::Shield shield;
  return exchange->answer(property);
}

Result<std::unique_ptr<Exchange>> GsaslExchange::begin(Authority& authority, const MechanismRow& mechanism, Caller caller) {
  std::unique_ptr<GsaslExchange> exchange(new GsaslExchange(authority, mechanism, std::move(caller)));
  const std::string name(mechanism.name);
  const int code = ::gsasl_server_start(authority.library(), name.c_str(), &exchange->session_);
  if (code != GSASL_OK) return base::fail(fmt::format("{}: {}", name, ::gsasl_strerror(code)));
  ::gsasl_session_hook_set(exchange->session_, exchange.get());
  ::gsasl_property_set(exchange->session_, GSASL_SERVICE, exchange->caller_.service.c_str());
  ::gsasl_property_set(exchange->session_, GSASL_HOSTNAME, authority.host_name().c_str());
  ::gsasl_property_set(exchange->session_, GSASL_REALM, authority.host_name().c_str());
  ::gsasl_property_set(exchange->session_, GSASL_QOPS, "qop-auth");
  if (mechanism.is_bound()) {
    const auto bind = [&](Gsasl_property which, const std::string& bytes) {
      if (!bytes.empty()) ::gsasl_property_set(exchange->session_, which, base::encode_base64(bytes).c_str());
    };
    bind(GSASL_CB_TLS_EXPORTER, exchange->caller_.binding.exporter);
    bind(GSASL_CB_TLS_UNIQUE, exchange->caller_.binding.unique);
  }
  return exchange;
}

GsaslExchange::~GsaslExchange() {
  if (session_ != nullptr) ::gsasl_finish(session_);
}

std::string_view GsaslExchange::property(Gsasl_property name) const {
  const char* const value = ::gsasl_property_fast(session_, name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

Step GsaslExchange::step(const std::optional<std::string>& response) {
  if (awaits_empty_) {
    if (response && response->empty()) return accepted();
    return {Step::Kind::refused, {}, "more than nothing after the end", {}};
  }
  // RFC 5802 section 6: he could be bound, and believes that we cannot, though -PLUS is announced.
  const bool was_misled = mechanism_.hash && !mechanism_.is_bound() && !caller_.binding.empty() && response && response->starts_with("y,");
  if (was_misled) return {Step::Kind::refused, {}, "the client was not told of -PLUS: somebody may be in between", {}};
  char* output = nullptr;
  std::size_t size = 0;
  const int code = ::gsasl_step(session_, response ? response->data() : nullptr, response ? response->size() : 0, &output, &size);
  const std::unique_ptr<char, decltype(&::gsasl_free)> owner(output, &::gsasl_free);
  const std::string bytes(output == nullptr ? "" : output, output == nullptr ? 0 : size);
  if (verdict_ && verdict_->kind != Step::Kind::accepted) return *verdict_;
  // The library would ask for ever for what a client has just left empty.
  if (code == GSASL_NEEDS_MORE && response && bytes.empty()) return {Step::Kind::refused, {}, "an empty response", {}};
  if (code == GSASL_NEEDS_MORE) return {Step::Kind::challenge, bytes, {}, {}};
  if (code != GSASL_OK) {
    return {Step::Kind::refused, {}, is_known_ ? std::string(::gsasl_strerror(code)) : "unknown user, or no password of the kind that this needs", {}};
  }
  // RFC 4954 section 4 has no place for a last word beside the reply, so it is one challenge more.
  if (!bytes.empty()) {
    awaits_empty_ = true;
    return {Step::Kind::challenge, bytes, {}, {}};
  }
  return accepted();
}

// Nobody acts for somebody else here.
Step GsaslExchange::accepted() {
  const std::string_view acts_for = property(GSASL_AUTHZID);
  if (!is_known_) return {Step::Kind::refused, {}, "unknown user", {}};
  if (!acts_for.empty() && authority_.format().apply(acts_for) != user_) {
    return {Step::Kind::refused, {}, "wants to act for another user", {}};
  }
  return {Step::Kind::accepted, {}, {}, {}};
}

int GsaslExchange::refuse(std::string why) {
  verdict_ = Step{Step::Kind::refused, {}, std::move(why), {}};
  return GSASL_AUTHENTICATION_ERROR;
}

int GsaslExchange::answer(Gsasl_property wanted) {
  switch (wanted) {
    case GSASL_VALIDATE_SIMPLE: return validate_simple();
    case GSASL_VALIDATE_EXTERNAL: return validate_external();
    case GSASL_VALIDATE_ANONYMOUS: user_ = anonymous_user; return GSASL_OK;
    case GSASL_PASSWORD:
    case GSASL_SCRAM_ITER:
    case GSASL_SCRAM_SALT:
    case GSASL_SCRAM_SERVERKEY:
    case GSASL_SCRAM_STOREDKEY: {
      if (const int code = provide_password(); code != GSASL_OK) return code;
      return ::gsasl_property_fast(session_, wanted) != nullptr ? GSASL_OK : GSASL_NO_CALLBACK;
    }
    default: return GSASL_NO_CALLBACK;
  }
}

int GsaslExchange::validate_simple() {
  const std::string name(property(GSASL_AUTHID));
  Step said = check(name, std::string(property(GSASL_PASSWORD)));
  const bool is_in = said.kind == Step::Kind::accepted;
  verdict_ = std::move(said);
  return is_in ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
}

// The name is the certificate's; nothing is in it that the client says.
int GsaslExchange::validate_external() {
  if (!caller_.certificate_user || !take_name(*caller_.certificate_user)) return refuse("no client certificate with a name");
  return GSASL_OK;
}

// The password, or the secret for SCRAM; for who is not known something that no client has, so that the exchange goes on to
// its end and does not tell.
int GsaslExchange::provide_password() {
  if (has_provided_) return GSASL_OK;
  has_provided_ = true;
  const auto name = take_name(property(GSASL_AUTHID));
  std::optional<auth::StoredPassword> stored;
  if (name) {
    auto found = authority_.passdb().find(*name, mechanism_.hash, asker());
    if (!found) {
      verdict_ = Step{Step::Kind::unavailable, {}, found.error().message(), {}};
      return GSASL_AUTHENTICATION_ERROR;
    }
    stored = std::move(*found);
  }
  is_known_ = stored.has_value();
  if (mechanism_.hash && is_known_) {
    if (const auto secret = stored->scram(*mechanism_.hash)) {
      set_secret(*secret);
      return GSASL_OK;
    }
  }
  const std::string password(is_known_ ? std::string(*stored->plain()) : base::encode_base64(authority_.salt_for("\n" + user_)));
  if (!mechanism_.hash) {
    ::gsasl_property_set(session_, GSASL_PASSWORD, password.c_str());
    return GSASL_OK;
  }
  // The library would do this itself, on the loop's thread.
  const std::string salt = authority_.salt_for(user_);
  set_secret(event::blocking([&] { return auth::scram_secret(*mechanism_.hash, normalized(password), salt, iterations); }));
  return GSASL_OK;
}

void GsaslExchange::set_secret(const auth::ScramSecret& secret) {
  const auto set = [&](Gsasl_property which, const std::string& value) { ::gsasl_property_set(session_, which, value.c_str()); };
  set(GSASL_SCRAM_ITER, std::to_string(secret.iterations));
  set(GSASL_SCRAM_SALT, base::encode_base64(secret.salt));
  set(GSASL_SCRAM_STOREDKEY, base::encode_base64(secret.stored_key));
  set(GSASL_SCRAM_SERVERKEY, base::encode_base64(secret.server_key));
}

}  // namespace authd
