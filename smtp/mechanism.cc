#include "smtp/mechanism.h"

#include <algorithm>
#include <array>
#include <utility>

#include <gsasl.h>

#include "lib/base/ascii.h"
#include "lib/base/base64.h"
#include "lib/event/offload.h"

namespace smtp {
namespace {

using auth::Property;

constexpr Property guessable = Property::dictionary | Property::active;   // from what goes over the wire
constexpr Property readable = Property::plaintext | guessable;

// By strength. A token goes to whom it is for: it is used where nothing else is left, or where smtp_sasl_mechanism_filter asks for it.
constexpr std::array table{
    Mechanism{"SCRAM-SHA-256-PLUS", Property::dictionary | Property::mutual_auth, true, true},
    Mechanism{"SCRAM-SHA-1-PLUS", Property::dictionary | Property::mutual_auth, true, true},
    Mechanism{"SCRAM-SHA-256", Property::dictionary | Property::mutual_auth, true},
    Mechanism{"SCRAM-SHA-1", Property::dictionary | Property::mutual_auth, true},
    Mechanism{"DIGEST-MD5", guessable | Property::mutual_auth, false},
    Mechanism{"CRAM-MD5", guessable, false},
    Mechanism{"PLAIN", readable, true},
    Mechanism{"LOGIN", readable, false},
    Mechanism{"OAUTHBEARER", readable, true},
    Mechanism{"XOAUTH2", readable, true},
};

// A server chooses how often SCRAM hashes. What is more than this, which takes about a second, is meant to keep us busy.
constexpr std::size_t scram_round_limit = 1'000'000;

std::unexpected<MechanismFailure> failed(std::string warning, std::string reason) {
  return std::unexpected(MechanismFailure{std::move(warning), std::move(reason)});
}

std::unexpected<MechanismFailure> unasked() {
  return failed("SASL authentication problem: attempting client step after doneflag", "generic failure");
}

// The rounds in "r=...,s=...,i=4096" (RFC 5802 section 5.1); none in any other message.
std::optional<std::string_view> rounds_of(std::string_view challenge) {
  for (const std::string_view part : ascii::split(challenge, ",")) {
    if (part.starts_with("i=")) return part.substr(2);
  }
  return std::nullopt;
}

class GsaslExchange final : public Exchange {
 public:
  GsaslExchange(std::shared_ptr<Gsasl> library, Gsasl_session* session, const Mechanism& mechanism)
      : library_(std::move(library)), session_(session), mechanism_(mechanism) {}

  std::expected<std::string, MechanismFailure> respond(std::string_view challenge) override {
    if (is_done_) return unasked();
    const bool is_scram = mechanism_.name.starts_with("SCRAM-");
    const auto rounds = is_scram ? rounds_of(challenge) : std::nullopt;
    if (rounds && !ascii::parse_number(*rounds, scram_round_limit)) {
      return failed("SASL authentication failure: SCRAM with too many rounds", "authentication failure");
    }
    char* output = nullptr;
    std::size_t size = 0;
    const auto step = [&] { return ::gsasl_step(session_.get(), challenge.data(), challenge.size(), &output, &size); };
    const int code = rounds ? event::blocking(step) : step();
    const std::unique_ptr<char, decltype(&::gsasl_free)> owner(output, &::gsasl_free);
    if (code != GSASL_OK && code != GSASL_NEEDS_MORE) return failed(warning_for(code, challenge), "authentication failure");
    is_done_ = code == GSASL_OK;
    return output == nullptr ? std::string() : std::string(output, size);
  }

  bool trusts_server() const override { return is_done_ || (mechanism_.properties & Property::mutual_auth) == Property::none; }

 private:
  std::string warning_for(int code, std::string_view challenge) const {
    if (mechanism_.name.starts_with("SCRAM-") && challenge.starts_with("v=")) return "SASL authentication failure: ServerSignature mismatch";
    return std::string("SASL authentication failure: ") + ::gsasl_strerror(code);
  }

  std::shared_ptr<Gsasl> library_;
  std::unique_ptr<Gsasl_session, decltype([](Gsasl_session* session) { ::gsasl_finish(session); })> session_;
  const Mechanism& mechanism_;
  bool is_done_ = false;
};

// RFC 7628, and what it came from. After a refusal the server waits for an answer to its reasons; its reply comes then.
class BearerExchange final : public Exchange {
 public:
  BearerExchange(const Login& login, bool is_standard)
      : first_((is_standard ? "n,a=" + escaped(login.user) + "," : "user=" + login.user) + "\1auth=Bearer " + login.password + "\1\1"),
        after_refusal_(is_standard ? "\1" : "") {}

  std::expected<std::string, MechanismFailure> respond(std::string_view) override {
    ++steps_;
    if (steps_ > 2) return unasked();
    return steps_ == 1 ? first_ : after_refusal_;
  }

 private:
  // RFC 5801 section 4.
  static std::string escaped(std::string_view name) {
    std::string out;
    for (const char c : name) {
      if (c == '=') out += "=3D";
      else if (c == ',') out += "=2C";
      else out += c;
    }
    return out;
  }

  std::string first_, after_refusal_;
  int steps_ = 0;
};

}  // namespace

Result<Mechanisms> Mechanisms::open() {
  Gsasl* library = nullptr;
  if (const int code = ::gsasl_init(&library); code != GSASL_OK) return base::fail(std::string("libgsasl: ") + ::gsasl_strerror(code));
  return Mechanisms(std::shared_ptr<Gsasl>(library, [](Gsasl* which) { ::gsasl_done(which); }));
}

const Mechanism* Mechanisms::choose(const std::vector<std::string>& offered, const auth::SecurityOptions& options, bool has_binding) {
  for (const Mechanism& mechanism : table) {
    const bool is_offered = std::ranges::any_of(offered, [&](const std::string& name) { return ascii::equal_ignoring_case(name, mechanism.name); });
    if (is_offered && (has_binding || !mechanism.is_bound) && options.allow(mechanism.properties)) return &mechanism;
  }
  return nullptr;
}

Result<std::unique_ptr<Exchange>> Mechanisms::begin(const Mechanism& mechanism, const Login& login, const std::string& service,
                                                    const std::string& host, const tls::ChannelBinding& binding) const {
  if (mechanism.name == "OAUTHBEARER" || mechanism.name == "XOAUTH2") return std::make_unique<BearerExchange>(login, mechanism.name == "OAUTHBEARER");
  Gsasl_session* session = nullptr;
  const int code = ::gsasl_client_start(library_.get(), std::string(mechanism.name).c_str(), &session);
  if (code != GSASL_OK) return base::fail(std::string(::gsasl_strerror(code)), code);
  auto exchange = std::make_unique<GsaslExchange>(library_, session, mechanism);
  for (const auto& [name, value] : {std::pair{GSASL_AUTHID, &login.user}, {GSASL_PASSWORD, &login.password}, {GSASL_SERVICE, &service}, {GSASL_HOSTNAME, &host}}) {
    if (::gsasl_property_set_raw(session, name, value->data(), value->size()) != GSASL_OK) return base::fail("out of memory");
  }
  // In DIGEST-MD5 it is for others than the user himself.
  if (!login.acts_for.empty() && mechanism.name != "DIGEST-MD5" &&
      ::gsasl_property_set_raw(session, GSASL_AUTHZID, login.acts_for.data(), login.acts_for.size()) != GSASL_OK) {
    return base::fail("out of memory");
  }
  if (mechanism.is_bound) {
    for (const auto& [name, bytes] : {std::pair{GSASL_CB_TLS_EXPORTER, &binding.exporter}, {GSASL_CB_TLS_UNIQUE, &binding.unique}}) {
      if (!bytes->empty() && ::gsasl_property_set(session, name, base::encode_base64(*bytes).c_str()) != GSASL_OK) return base::fail("out of memory");
    }
  }
  return exchange;
}

}  // namespace smtp
