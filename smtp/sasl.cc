#include "smtp/sasl.h"

#include <utility>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/base/base64.h"
#include "lib/log/log.h"

namespace smtp {
namespace {

constexpr std::string_view hidden = "[not shown]";   // in transcripts, for what may be a password
constexpr std::string_view failed_text = "SASL authentication failed";

std::unexpected<delivery::Delivery> cannot(const Connection& connection, std::string_view why) {
  return std::unexpected(endings::at(connection.peer(), {4, 7, 0},
                                     fmt::format("{}; cannot authenticate to server {}: {}", failed_text, connection.peer().text(), why)));
}

std::unexpected<delivery::Delivery> cannot(const Connection& connection, const MechanismFailure& failure) {
  if (!failure.warning.empty()) maillog::warning("{}", failure.warning);
  return cannot(connection, failure.reason);
}

}  // namespace

Result<SaslSite> SaslSite::open(maps::Tables& tables, const Params& params, const std::string& prefix, const base::Clock& clock) {
  SaslSite site;
  site.prefix_ = prefix;
  if (!params.smtp_sasl_auth_enable) return site;
  if (params.smtp_sasl_password_maps.empty()) {
    return base::fail(fmt::format("specify a password table via the `{}_sasl_password_maps' configuration parameter", prefix));
  }
  if (!ascii::equal_ignoring_case(params.smtp_sasl_type, "cyrus")) {
    return base::fail(fmt::format("{}_sasl_type = {}: there is only cyrus, under whose name our own mechanisms are", prefix, params.smtp_sasl_type));
  }
  site.passwords_ = TRY(maps::Maps::open(tables, prefix + "_sasl_password_maps", params.smtp_sasl_password_maps, maps::Flags::fold_keys));
  site.is_filtered_ = !params.smtp_sasl_mechanism_filter.empty();
  site.filter_ = TRY(maps::MatchList::parse(tables, prefix + "_sasl_mechanism_filter", params.smtp_sasl_mechanism_filter,
                                              maps::ListKind::string, false));
  site.plain_ = TRY(auth::SecurityOptions::parse(prefix + "_sasl_security_options", params.smtp_sasl_security_options));
  site.encrypted_ = TRY(auth::SecurityOptions::parse(prefix + "_sasl_tls_security_options", params.smtp_sasl_tls_security_options));
  site.verified_ = TRY(auth::SecurityOptions::parse(prefix + "_sasl_tls_verified_security_options", params.smtp_sasl_tls_verified_security_options));
  site.delimiter_ = params.smtp_sasl_password_result_delimiter;
  site.by_sender_ = params.smtp_sender_dependent_authentication;
  site.is_soft_ = params.smtp_sasl_auth_soft_bounce;
  site.names_authzid_ = params.send_cyrus_sasl_authzid;
  site.refused_ = TRY(RefusedLogins::open(tables, params, prefix, clock));
  site.mechanisms_ = TRY(Mechanisms::open());
  return site;
}

Result<std::optional<Login>> SaslSite::login(const std::string& sender, const Destination& destination, const Peer& peer) const {
  maps::Found found;
  if (by_sender_ && !sender.empty()) found = TRY(passwords_.lookup(sender));
  if (!found) found = TRY(passwords_.lookup(peer.host));
  if (!found) found = TRY(passwords_.lookup(destination.text));
  if (!found) return std::nullopt;
  const std::size_t at = found->find(delimiter_);
  Login login{.user = found->substr(0, at), .password = at == std::string::npos ? "" : found->substr(at + delimiter_.size())};
  if (names_authzid_) login.acts_for = login.user;
  return login;
}

bool SaslSite::suits(const Connection& connection, const std::string& sender, const Destination& destination) const {
  // Where nobody can log in everybody is the same.
  if (!is_enabled() || !connection.features.auth) return true;
  const auto wanted = login(sender, destination, connection.peer());
  return wanted && *wanted == connection.login;
}

// One login.
class SaslSession {
 public:
  SaslSession(Connection& connection, const SaslPlan& plan) : connection_(connection), plan_(plan), site_(plan.site) {}

  Step<void> run() {
    const auto offered = usable();
    if (!offered) return local_error();
    auto login = site_.login(plan_.sender, plan_.destination, connection_.peer());
    if (!login) {
      maillog::warning("{}", login.error().message());
      maillog::warning("{}: {}_sasl_password_maps lookup error", plan_.queue_id, site_.prefix_);
      return local_error();
    }
    if (!*login) return {};
    if (offered->empty()) {
      return std::unexpected(endings::at(connection_.peer(), {4, 7, 0},
                                         fmt::format("{}: server {} offered no compatible authentication mechanisms for this type of connection security",
                                                     failed_text, connection_.peer().text())));
    }
    if (site_.refused_) {
      const auto known = site_.refused_->find(connection_.peer().host, **login);
      if (known) return refused(*known, fmt::format("SASL [CACHED] authentication failed; server {}", connection_.peer().host));
    }
    const Mechanism* const mechanism = Mechanisms::choose(*offered, options(), !connection_.binding.empty());
    if (mechanism == nullptr) {
      return cannot(connection_, MechanismFailure{"SASL authentication failure: No worthy mechs found", "no mechanism available"});
    }
    if (const auto done = exchange(*mechanism, **login); !done) return done;
    connection_.login = std::move(*login);
    return {};
  }

 private:
  // The mechanisms that are offered and that the filter leaves. The error is logged.
  Result<std::vector<std::string>> usable() const {
    const std::vector<std::string>& offered = *connection_.features.auth;
    if (offered.empty()) maillog::warning("{} offered null AUTH mechanism list", connection_.peer().relay());
    if (!site_.is_filtered_ || offered.empty()) return offered;
    std::vector<std::string> left;
    std::string all;
    for (const std::string& name : offered) {
      const auto matches = site_.filter_.matches(name);
      if (!matches) {
        maillog::warning("{}", matches.error().message());
        return base::Failure(matches.error());
      }
      if (*matches) left.push_back(name);
      all += (all.empty() ? "" : " ") + name;
    }
    if (left.empty()) maillog::warning("{} offered no supported AUTH mechanisms: '{}'", connection_.peer().relay(), all);
    return left;
  }

  const auth::SecurityOptions& options() const {
    switch (connection_.privacy) {
      case Privacy::none: return site_.plain_;
      case Privacy::encrypted: return site_.encrypted_;
      case Privacy::verified: return site_.verified_;
    }
    return site_.plain_;
  }

  std::unexpected<delivery::Delivery> local_error() const {
    return std::unexpected(endings::at(connection_.peer(), {4, 3, 0}, "local data error while talking to " + connection_.peer().text()));
  }

  // For the log, a login is a part of the greeting, as in Postfix.
  std::string_view stage() const {
    return connection_.protocol() == Protocol::lmtp ? "performing the LHLO handshake" : "performing the EHLO handshake";
  }

  Step<void> exchange(const Mechanism& mechanism, const Login& login) {
    const auto exchange = site_.mechanisms_->begin(mechanism, login, site_.prefix_, connection_.peer().host, connection_.binding);
    if (!exchange) return cannot(connection_, exchange.error().message());
    std::string command = fmt::format("AUTH {}", mechanism.name);
    std::string shown = command;
    if (mechanism.begins) {
      const auto first = (*exchange)->respond("");
      if (!first) return cannot(connection_, first.error());
      command += " " + (first->empty() ? "=" : base::encode_base64(*first));
      shown += fmt::format(" {}", hidden);
    }
    for (;;) {
      connection_.secret_command(command, shown);
      const auto reply = connection_.reply(stage(), plan_.timeout);
      if (!reply) return std::unexpected(reply.error());
      if (!reply->is_intermediate()) return conclude(*reply, **exchange, login);
      const auto challenge = base::decode_base64(reply->lines.empty() ? std::string() : reply->lines.front());
      if (!challenge) return cannot(connection_, "another step is needed in authentication");
      const auto response = (*exchange)->respond(*challenge);
      if (!response) return cannot(connection_, response.error());
      command = base::encode_base64(*response);
      shown = hidden;
    }
  }

  Step<void> conclude(const ServerReply& reply, const Exchange& exchange, const Login& login) const {
    if (reply.is_positive()) {
      if (exchange.trusts_server()) return {};
      return cannot(connection_, MechanismFailure{"SASL authentication failure: success before the server has proved that it knows the password",
                                                  "authentication failure"});
    }
    // RFC 4954 section 6: the credentials are invalid. Other refusals may be of this moment, or of the mechanism.
    if (site_.refused_ && reply.code == 535) site_.refused_->add(connection_.peer().host, login, reply);
    return refused(reply, fmt::format("{}; server {}", failed_text, connection_.peer().text()));
  }

  std::unexpected<delivery::Delivery> refused(const ServerReply& reply, std::string_view who) const {
    delivery::Delivery refused = endings::refused(connection_.peer(), reply);
    refused.reason = fmt::format("{} said: {}", who, reply.text);
    if (reply.is_permanent() && site_.is_soft_) {
      refused.dsn = refused.dsn.with_class(4);
      refused.status = delivery::Status::deferred;
    }
    return std::unexpected(std::move(refused));
  }

  Connection& connection_;
  const SaslPlan& plan_;
  const SaslSite& site_;
};

Step<void> log_in(Connection& connection, const SaslPlan& plan) {
  if (!plan.site.is_enabled() || !connection.features.auth) return {};
  return SaslSession(connection, plan).run();
}

}  // namespace smtp
