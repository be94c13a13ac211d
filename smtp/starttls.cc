#include "smtp/starttls.h"

#include <string>
#include <string_view>

#include <fmt/core.h>

#include "lib/io/socket.h"
#include "lib/log/log.h"

namespace smtp {
namespace {

// The name of a level whose verdict a session may carry over to the next connection, since what it asks for is all in the id; else empty.
std::string_view resumed_level(TlsLevel level) {
  switch (level) {
    case TlsLevel::may: return "may";
    case TlsLevel::encrypt: return "encrypt";
    case TlsLevel::fingerprint: return "fingerprint";
    case TlsLevel::verify: return "verify";
    case TlsLevel::secure: return "secure";
    // A session that is resumed shows no certificate to hold against TLSA records, which may have changed.
    case TlsLevel::half_dane:
    case TlsLevel::dane:
    case TlsLevel::dane_only:
    case TlsLevel::none: return {};
  }
  return {};
}

// One for each service, destination, server, and all that the handshake was made by.
std::string session_id(const Connection& connection, const TlsPlan& plan, const tls::ServerDemands& demands) {
  const std::string_view level = resumed_level(plan.policy.level);
  // Nor one to hold against trust anchors.
  if (plan.sessions == nullptr || level.empty() || demands.has_own_anchors) return {};
  const Peer& peer = connection.peer();
  const std::string digest = plan.site.context()->session_digest(demands);
  if (digest.empty()) return {};
  return fmt::format("{}&{}&{}&{}&{}&{}&{}", plan.service, plan.nexthop, peer.host, peer.address, peer.port, level, digest);
}

TlsReport::Ends ends_of(const Connection& connection, const TlsPlan& plan) {
  const auto local = io::local_of(connection.fd());
  return {.source = local ? local->address.text() : "", .ehlo = plan.ehlo};
}

void report_failure(const Connection& connection, const TlsPlan& plan, TlsFault fault, const std::string& reason = {}) {
  if (plan.report != nullptr) plan.report->failure(connection.peer(), plan.policy, fault, reason, ends_of(connection, plan));
}

// What came of the certificate.
void report(const Connection& connection, const TlsPlan& plan, const tls::Facts& facts, bool is_refused) {
  if (plan.report == nullptr || (facts.is_resumed && !plan.reports_resumed)) return;
  if (is_refused) plan.report->failure(connection.peer(), plan.policy, facts, ends_of(connection, plan));
  else plan.report->success(connection.peer(), plan.policy);
}

std::unexpected<delivery::Delivery> no_handshake(Connection& connection, TlsPlan& plan) {
  report_failure(connection, plan, TlsFault::validation_failure, "tls-handshake-failure");
  plan.has_failed = true;
  connection.break_off();
  return std::unexpected(endings::at(connection.peer(), {4, 7, 5}, "Cannot start TLS: handshake failure"));
}

// A server that is none for a message that asks for REQUIRETLS. When there is no other it comes back (RFC 8689 section 4.2.1).
delivery::Delivery unfit(const Peer& peer, mail::Dsn dsn, std::string_view lack) {
  return endings::at(peer, dsn, fmt::format("Sender requested REQUIRETLS, but {}. The last attempted server was {}", lack, peer.text()));
}

// What the site that publishes a policy has broken in it makes everybody a stranger (policy_failure).
void heed_failure(tls::Facts& facts, const TlsPolicy& policy) {
  if (policy.external.failure.empty() || !policy.must_match()) return;
  facts.trust = tls::Trust::untrusted;
  facts.verification_error = fmt::format("external policy failure ({})", policy.external.failure);
  facts.match_error.clear();
}

// Logs the connection. The error: it is not whom we want to talk to.
Step<void> look_at(Connection& connection, tls::Facts facts, TlsPlan& plan, bool is_demanding) {
  const std::string peer = connection.peer().relay();
  heed_failure(facts, plan.policy);
  const bool is_right = facts.trust == tls::Trust::verified;
  // It has shown what its name's owner says it should; only whether mail should have gone there nobody knows.
  if (is_right && plan.policy.level == TlsLevel::half_dane) facts.trust = tls::Trust::trusted;
  connection.privacy = facts.trust == tls::Trust::verified ? Privacy::verified : Privacy::encrypted;
  if (facts.is_resumed && plan.is_loud()) maillog::info("{}: Reusing old session", peer);
  const bool tells_why = plan.policy.must_match() || plan.is_loud();
  if (facts.has_raw_key && plan.is_loud()) maillog::info("{}: raw public key fingerprint={}", peer, facts.public_key_fingerprint);
  if (tells_why && !facts.has_raw_key && !facts.verification_error.empty()) maillog::info("certificate verification failed for {}: {}", peer, facts.verification_error);
  if (tells_why && !facts.match_error.empty()) {
    maillog::info("{} certificate verification failed for {}: {}", facts.is_authority_wrong ? "CA" : "server", peer, facts.match_error);
  }
  if (plan.is_loud() && !facts.dane_match.empty()) maillog::info("{}: Matched DANE {}", peer, facts.dane_match);
  if (plan.log_level.detail >= tls::Detail::summary) maillog::info("{} TLS connection established to {}: {}", tls::name(facts.trust), peer, facts.text());
  report(connection, plan, facts, is_demanding && !is_right);
  using Outcome = TlsStatus::Outcome;
  if (!is_demanding || is_right) {
    plan.status.settle(Outcome::kept, plan.policy.must_match() && !is_demanding ? "encrypt" : "");
    return {};
  }
  plan.status.settle(Outcome::broken);
  const bool is_enforced = plan.require == RequireTls::enforce;
  plan.status.settle_require_tls(is_enforced ? Outcome::broken : Outcome::kept, "nocertmatch");
  if (is_enforced) return std::unexpected(unfit(connection.peer(), {5, 7, 10}, "no trusted server certificate was found"));
  return std::unexpected(endings::at(connection.peer(), {4, 7, 5}, "Server certificate not verified"));
}

tls::Narration narration(const Peer& peer, const TlsPlan& plan) {
  const bool is_traced = plan.log_level.is_traced && plan.traces != nullptr;
  // A server in a UNIX socket has no address but its path.
  const bool is_local = peer.address.empty() || peer.address.contains('/');
  return {.detail = plan.log_level.detail,
          .peer = peer.relay(),
          .trace = is_traced ? plan.traces->begin(is_local ? "unix" : peer.address) : Fd(),
          .trace_limit = plan.trace_limit};
}

// Tells of TLSA records that are none. True: the server is to be authenticated, as far as the policy wants it.
bool looks_at_certificate(const std::string& peer, const tls::Session& session, const TlsPolicy& policy) {
  const std::vector<tls::DaneRecord>& records = policy.anchors.empty() ? policy.dane : policy.anchors;
  for (const std::size_t index : session.unusable_records()) maillog::warning("{}: unusable TLSA RR: {}", peer, records[index].text());
  if (records.empty() || session.unusable_records().size() < records.size()) return policy.must_match();
  if (!policy.anchors.empty()) {
    maillog::warning("{}: all trust anchors unusable", peer);
    return true;
  }
  const bool is_only = policy.level == TlsLevel::dane_only;
  maillog::warning("{}: all TLSA records unusable{}", peer, is_only ? "" : ", fallback to unauthenticated TLS");
  return is_only;
}

}  // namespace

Step<void> begin_tls(Connection& connection, TlsPlan& plan) {
  const std::string peer = connection.peer().relay();
  if (plan.site.context() == nullptr) {
    return std::unexpected(endings::at(connection.peer(), {4, 7, 5}, "TLS is required, but our TLS engine is unavailable"));
  }
  if (connection.has_input()) {
    // What came in plaintext behind the reply might be taken for a reply under TLS.
    maillog::warning("{}: data before the TLS handshake: aborting TLS session", peer);
    return no_handshake(connection, plan);
  }
  if (plan.is_loud()) maillog::info("setting up TLS connection to {}", peer);
  tls::ServerDemands demands = plan.policy.demands(connection.peer().host, plan.nexthop);
  plan.session_id = session_id(connection, plan, demands);
  if (!plan.session_id.empty()) demands.session = plan.sessions->find(plan.session_id);
  auto session = tls::Session::connect(*plan.site.context(), connection.fd(), demands, narration(connection.peer(), plan));
  if (!session) {
    maillog::warning("{}: {}", peer, session.error().message());
    tls::log_library_problems();
    return no_handshake(connection, plan);
  }
  plan.layer = session->get();
  const bool is_demanding = looks_at_certificate(peer, *plan.layer, plan.policy);
  if (const io::End end = connection.start_layer(std::move(*session), plan.timeout); end != io::End::ok) {
    const std::string_view why = end == io::End::timeout ? "Connection timed out" : end == io::End::eof ? "lost connection" : "-1";
    maillog::info("SSL_connect error to {}: {}", peer, why);
    tls::log_library_problems();
    if (!demands.session.empty()) plan.sessions->drop(plan.session_id);
    return no_handshake(connection, plan);
  }
  const tls::Facts facts = plan.layer->facts();
  connection.binding = plan.layer->channel_binding();
  Step<void> verdict = look_at(connection, facts, plan, is_demanding);
  // The next attempt looks at the server anew.
  if (!verdict && facts.is_resumed) plan.sessions->drop(plan.session_id);
  return verdict;
}

Step<bool> ask_require_tls(const Connection& connection, TlsPlan& plan) {
  using Outcome = TlsStatus::Outcome;
  if (plan.require == RequireTls::not_asked) return false;
  const bool is_matched = connection.privacy == Privacy::verified;
  if (plan.require == RequireTls::enforce && !is_matched) {
    plan.status.settle_require_tls(Outcome::broken, "nocertmatch");
    return std::unexpected(unfit(connection.peer(), {5, 7, 10}, "no trusted server certificate was found"));
  }
  const bool is_offered = connection.privacy != Privacy::none && connection.features.require_tls;
  if (plan.require == RequireTls::enforce && !is_offered) {
    plan.status.settle_require_tls(Outcome::broken, "none");
    return std::unexpected(unfit(connection.peer(), {5, 7, 30}, "no server was found that supports REQUIRETLS"));
  }
  if (!is_offered && connection.privacy != Privacy::none) {
    maillog::info("{}: Sender requested REQUIRETLS, but REQUIRETLS support was not offered by host {}", connection.queue_id(), connection.peer().text());
  }
  plan.status.settle_require_tls(Outcome::kept, !is_offered ? "none" : is_matched ? "" : "nocertmatch");
  return is_offered;
}

Step<void> look_for_early_replies(Connection& connection, const TlsPlan& plan) {
  if (plan.layer == nullptr || !plan.blocks_early_replies || connection.is_at_rest() || !connection.has_input()) return {};
  connection.break_off();
  return std::unexpected(endings::at(connection.peer(), {4, 7, 0}, "unexpected server message"));
}

void keep_session(const TlsPlan& plan) {
  if (plan.layer == nullptr || plan.session_id.empty()) return;
  if (const std::string session = plan.layer->take_session(); !session.empty()) plan.sessions->keep(plan.session_id, session);
}

namespace {

// Without TLS, which the policy does not mind.
Step<bool> in_plaintext(TlsPlan& plan) {
  const bool is_wanted = plan.policy.level != TlsLevel::none || plan.policy.is_fallback;
  plan.status.settle(TlsStatus::Outcome::kept, is_wanted ? "none" : "");
  return false;
}

Step<bool> without_offer(const Connection& connection, TlsPlan& plan) {
  using Outcome = TlsStatus::Outcome;
  const Peer& peer = connection.peer();
  const bool is_required = plan.require >= RequireTls::opportunistic_starttls;
  if (!plan.policy.must_encrypt() && !is_required) return in_plaintext(plan);
  report_failure(connection, plan, TlsFault::starttls_not_supported);
  if (plan.policy.must_encrypt()) plan.status.settle(Outcome::broken);
  if (!is_required) {
    return std::unexpected(endings::at(peer, {4, 7, 4}, fmt::format("TLS is required, but was not offered by host {}", peer.text())));
  }
  plan.status.settle_require_tls(Outcome::broken, "nostarttls");
  return std::unexpected(endings::at(peer, {5, 7, 30}, fmt::format("Sender requested REQUIRETLS, but TLS service was not offered by host {}", peer.text())));
}

}  // namespace

Step<bool> secure(Connection& connection, TlsPlan& plan) {
  const Peer& peer = connection.peer();
  const bool is_offered = connection.features.starttls;
  if (plan.policy.level == TlsLevel::none) {
    if (is_offered && plan.notes_offer) maillog::info("Host offered STARTTLS: [{}]", peer.host);
    return in_plaintext(plan);
  }
  if (!is_offered) return without_offer(connection, plan);
  const bool must_encrypt = plan.policy.must_encrypt() || plan.require >= RequireTls::opportunistic_starttls;
  if (plan.site.context() == nullptr) {
    if (!must_encrypt) return in_plaintext(plan);
    return std::unexpected(endings::at(peer, {4, 7, 5}, "TLS is required, but our TLS engine is unavailable"));
  }
  const auto reply = connection.ask("STARTTLS", "performing the STARTTLS handshake", plan.timeout);
  if (!reply) return std::unexpected(reply.error());
  if (!reply->is_positive()) {
    if (!must_encrypt) return in_plaintext(plan);
    report_failure(connection, plan, TlsFault::starttls_not_supported);
    if (plan.policy.must_encrypt()) plan.status.settle(TlsStatus::Outcome::broken);
    if (plan.require >= RequireTls::opportunistic_starttls) {
      plan.status.settle_require_tls(TlsStatus::Outcome::broken, "nostarttls");
      return std::unexpected(endings::at(peer, {5, 7, 10}, fmt::format("Sender requested REQUIRETLS, but host {} refused to start TLS: {}", peer.text(), reply->text)));
    }
    delivery::Delivery refused = endings::refused(peer, *reply);
    refused.reason = fmt::format("TLS is required, but host {} refused to start TLS: {}", peer.text(), reply->text);
    return std::unexpected(std::move(refused));
  }
  if (const auto begun = begin_tls(connection, plan); !begun) return std::unexpected(begun.error());
  return true;
}

}  // namespace smtp
