#include "smtp/attempt.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <utility>

#include <fmt/core.h>

#include "lib/delivery/passing.h"
#include "lib/io/socket.h"
#include "lib/log/log.h"
#include "smtp/handshake.h"
#include "smtp/xforward.h"

namespace smtp {
namespace {

// smtp_connect_timeout = 0 leaves it to the system, which gives up within this time.
constexpr std::chrono::seconds system_connect_patience{180};

std::string error_text(int code) {
  const char* const text = ::strerrordesc_np(code);
  return text != nullptr ? text : "Unknown error";
}

}  // namespace

Attempt::Attempt(const ipc::DeliveryRequest& request, const Means& means)
    : request_(request), means_(means),
      recorder_(request, means.sink, means.clock,
                {.soft_bounce = means.params.soft_bounce,
                 .delay_logging_resolution_limit = means.params.delay_logging_resolution_limit,
                 .filter = &means.status_filter}),
      chooser_(means.params, means.tls, means.dane, means.require_tls, request), pending_(request.recipients.size()) {
  std::iota(pending_.begin(), pending_.end(), std::size_t{0});
}

ipc::DeliveryAnswer Attempt::run() && {
  const auto rules = means_.params.enable_idna2003_compatibility ? idna::Rules::idna2003 : idna::Rules::idna2008;
  auto destinations = parse_destinations(request_.nexthop, means_.default_port, means_.protocol, rules, means_.ports);
  if (destinations && destinations->empty()) destinations = base::fail("empty next hop");
  const std::string& fallback_relay = means_.params.smtp_fallback_relay;
  if (destinations && destinations->front().lookup == Lookup::socket) {
    if (!fallback_relay.empty()) {
      maillog::warning("ignoring \"lmtp_fallback_relay = {}\" setting for non-TCP connections", fallback_relay);
    }
  } else if (destinations) {
    auto fallback = parse_destinations(fallback_relay, means_.default_port, means_.protocol, rules, means_.ports);
    if (fallback) {
      for (Destination& destination : *fallback) destination.is_fallback = true;
      destinations->insert(destinations->end(), fallback->begin(), fallback->end());
    } else {
      destinations = base::Failure(fallback.error());
    }
  }
  if (!destinations) {
    maillog::warning("{}: {}", request_.queue_id, destinations.error().message());
    failed(endings::failed({4, 3, 5}, "Server configuration error"), Chance::last);
  } else {
    deliver_to(*destinations);
  }
  if (!pending_.empty()) {
    if (hop_failed_) recorder_.hop_failed(*last_failure_);
    end_all(*last_failure_, last_timing_);
  }
  return recorder_.answer();
}

void Attempt::deliver_to(const std::vector<Destination>& destinations) {
  for (std::size_t i = 0; i < destinations.size() && !pending_.empty(); ++i) {
    deliver_to(destinations[i], i + 1 < destinations.size() ? Chance::more : Chance::last);
  }
}

void Attempt::deliver_to(const Destination& destination, Chance chance) {
  try_kept(destination);
  if (pending_.empty()) return;
  const auto report = open_report(destination);
  report_ = report ? &*report : nullptr;
  const Router::Route route = means_.router.find(destination);
  if (!route) return unroutable(destination, route.error(), chance);
  const int limit = means_.params.smtp_mx_session_limit;
  sessions_ = 0;
  for (std::size_t i = 0; i < route->size() && !pending_.empty(); ++i) {
    if (limit > 0 && sessions_ >= limit) return;
    const Chance left = i + 1 < route->size() ? Chance::more : chance;
    const auto tls = chooser_.choose(destination, (*route)[i]);
    tls_note_ = chooser_.note(tls ? tls->status() : TlsStatus{});
    if (!tls) failed(tls.error(), left);
    else if (!chooser_.allows(tls->policy, (*route)[i])) unreachable(endings::failed({4, 3, 0}, "server unavailable or unable to receive mail"));
    else try_candidate(destination, (*route)[i], *tls, left);
  }
}

std::optional<TlsReport> Attempt::open_report(const Destination& destination) const {
  if (means_.report_socket.empty() || destination.lookup != Lookup::mail_exchangers) return std::nullopt;
  return TlsReport::open(means_.resolver, means_.report_socket, destination.host);
}

void Attempt::unreachable(delivery::Delivery failure) {
  failure.tls = tls_note_;
  hop_failed_ = true;
  last_failure_ = std::move(failure);
  last_timing_ = {.connected = means_.clock.stamp()};
}

// That we are the best mail exchanger is the last word of a next hop, whatever comes behind it.
void Attempt::unroutable(const Destination& destination, delivery::Delivery failure, Chance chance) {
  if (failure.dsn != loop_dsn) return failed(std::move(failure), chance);
  if (destination.is_fallback) {
    maillog::warning("smtp_fallback_relay configuration problem");
    failure.status = delivery::Status::deferred;
    failure.dsn = {4, 3, 5};
    return failed(std::move(failure), chance);
  }
  const std::string& to = means_.params.best_mx_transport;
  // To pass it to ourselves would be the loop.
  if (!to.empty() && to.substr(0, to.find(':')) != request_.transport) return pass_on(to);
  end_all(failure, {.connected = means_.clock.stamp()});
}

void Attempt::pass_on(const std::string& to) {
  for (const std::size_t index : pending_) {
    const ipc::DeliveryRecipient& recipient = request_.recipients[index];
    const auto all_done = delivery::pass_on(means_.services, request_,
                                            {.to = to, .nexthop = request_.nexthop, .sender = request_.sender, .recipient = recipient});
    if (all_done) {
      if (*all_done) recorder_.complete(recipient);
      continue;
    }
    maillog::warning("{}: {}", request_.queue_id, all_done.error().message());
    recorder_.record(recipient, endings::failed({4, 3, 0}, "mail transport unavailable"), {.connected = means_.clock.stamp()});
  }
  pending_.clear();
}

// A connection that was kept for this destination. It may have died meanwhile, so its failure is never the last word.
void Attempt::try_kept(const Destination& destination) {
  if (means_.cache.is_empty()) return;
  const auto key = chooser_.kept_under(destination);
  if (!key) return;
  std::optional<Connection> kept = means_.cache.take(*key);
  if (!kept) return;
  kept->require_tls = Connection::Require::not_wanted;
  kept->tls_status.require_tls.reset();
  // The server must take the message for whose it is.
  if (!means_.sasl.suits(*kept, request_.sender, destination)) return kept->quit(Connection::Goodbye::at_once, {});
  prepare(*kept, destination);
  talk(destination, std::move(*kept), Chance::more, means_.clock.stamp());
}

std::expected<Fd, delivery::Delivery> Attempt::connect(const Candidate& candidate) const {
  const bool is_v6 = candidate.endpoint.address.is_v6();
  const std::string& from = is_v6 ? means_.params.smtp_bind_address6 : means_.params.smtp_bind_address;
  const auto patience = means_.params.smtp_connect_timeout;
  const Deadline deadline = base::after(patience.count() > 0 ? patience : system_connect_patience);
  const auto unreachable = [&](const base::Error& error) {
    return std::unexpected(endings::failed(
        {4, 4, 1}, fmt::format("connect to {}: {}", candidate.peer().relay(), error_text(error.code()))));
  };
  if (!candidate.socket.empty()) {
    auto fd = io::connect_unix(candidate.socket, deadline);
    if (!fd) return unreachable(fd.error());
    return std::move(*fd);
  }
  if (!from.empty()) {
    const auto bind_to = io::Address::parse(from);
    auto fd = bind_to ? io::connect(candidate.endpoint, deadline, &*bind_to) : base::fail("not an address", EINVAL);
    if (fd) return std::move(*fd);
    const bool cannot_bind = fd.error().code() == EADDRNOTAVAIL || fd.error().code() == EINVAL;
    if (!cannot_bind) return unreachable(fd.error());
    maillog::warning("smtp_connect_addr: bind {}: {}", from, error_text(fd.error().code()));
    if (means_.params.smtp_bind_address_enforce) {
      return std::unexpected(endings::failed({4, 4, 0}, "server configuration error"));
    }
  }
  auto fd = io::connect(candidate.endpoint, deadline);
  if (!fd) return unreachable(fd.error());
  return std::move(*fd);
}

Result<std::set<std::string, std::less<>>> Attempt::discarded_keywords(const Candidate& candidate) const {
  std::string list = means_.params.smtp_discard_ehlo_keywords;
  if (!means_.ehlo_discard_maps.empty()) {
    if (const maps::Found found = TRY(means_.ehlo_discard_maps.lookup(candidate.peer().address))) list = *found;
  }
  return parse_keywords(list);
}

PixWorkarounds Attempt::pix_workarounds(const Peer& peer) const {
  std::string list = means_.params.smtp_pix_workarounds;
  if (!means_.pix_workaround_maps.empty()) {
    const auto found = means_.pix_workaround_maps.lookup(peer.address);
    if (!found) maillog::warning("{}", found.error().message());
    else if (*found) list = **found;
  }
  if (list.empty()) return {};
  PixWorkarounds workarounds = parse_pix_workarounds(list);
  // The pause is for mail that seems not to get through.
  const bool is_late = means_.clock.stamp() - request_.arrived >= means_.params.smtp_pix_workaround_threshold_time;
  workarounds.delay_dotcrlf = workarounds.delay_dotcrlf && is_late;
  maillog::info("{}: enabling PIX workarounds: {} for {}", request_.queue_id, workarounds.text(), peer.relay());
  return workarounds;
}

// Mail that has waited goes in plaintext, where that is allowed, rather than wait for a handshake that may never succeed.
bool Attempt::may_go_in_plaintext(const TlsPlan& plan) const {
  using std::chrono::floor, std::chrono::seconds;
  const seconds age = floor<seconds>(means_.clock.stamp()) - floor<seconds>(request_.arrived);
  const bool must_encrypt = plan.policy.must_encrypt() || plan.require >= RequireTls::opportunistic_starttls;
  return plan.has_failed && !must_encrypt && age >= means_.params.minimal_backoff_time;
}

void Attempt::try_candidate(const Destination& destination, const Candidate& candidate, const TlsChoice& tls, Chance chance) {
  const Peer peer = candidate.peer();
  const auto discarded = discarded_keywords(candidate);
  if (!discarded) {
    maillog::warning("{}: {}", request_.queue_id, discarded.error().message());
    return failed(endings::failed({4, 3, 0}, "table lookup problem"), chance);
  }
  std::expected<Fd, delivery::Delivery> fd = connect(candidate);
  if (!fd) {
    if (candidate.socket.empty()) maillog::info("{}", fd.error().reason);
    return unreachable(std::move(fd.error()));
  }
  Connection connection(std::move(*fd), peer, means_.protocol);
  prepare(connection, destination);
  TlsPlan plan{.site = means_.tls,
               .policy = tls.policy,
               .require = tls.require,
               .report = report_,
               .reports_resumed = !means_.params.smtp_tlsrpt_skip_reused_handshakes,
               .ehlo = {},
               .status = tls.status(),
               .nexthop = destination.host,
               .is_wrapped = means_.params.smtp_tls_wrappermode,
               .notes_offer = means_.params.smtp_tls_note_starttls_offer,
               .blocks_early_replies = means_.params.smtp_tls_block_early_mail_reply,
               .timeout = means_.params.smtp_starttls_timeout,
               .log_level = means_.tls.log_level_of(destination, peer),
               .traces = &means_.tls_traces,
               .trace_limit = static_cast<std::size_t>(means_.params.smtp_tls_trace_size_limit),
               .sessions = means_.tls_sessions,
               .service = request_.transport};
  const Step<void> hands = shake_hands(connection, {.params = means_.params,
                                                       .discard = *discarded,
                                                       .destination = destination.host,
                                                       .workarounds = [&] { return pix_workarounds(peer); },
                                                       .tls = plan,
                                                       .sasl = {.site = means_.sasl,
                                                                .sender = request_.sender,
                                                                .destination = destination,
                                                                .queue_id = request_.queue_id,
                                                                .timeout = means_.params.smtp_helo_timeout}});
  const Stamp ready = means_.clock.stamp();
  tls_note_ = chooser_.note(plan.status);
  if (!hands && may_go_in_plaintext(plan)) {
    maillog::info("{}: {}", request_.queue_id, hands.error().reason);
    return try_candidate(destination, candidate, {.policy = {.is_fallback = true}, .require = tls.require}, chance);
  }
  if (!hands) {
    // That a server is none for REQUIRETLS says nothing of the next one.
    const bool is_unfit = plan.status.require_tls && plan.status.require_tls->outcome == TlsStatus::Outcome::broken;
    if (hands.error().status == delivery::Status::bounced && !is_unfit) {
      end_all(hands.error(), {.connected = ready});
    } else {
      failed(hands.error(), chance);
    }
    connection.quit(Connection::Goodbye::at_once, {});
    return notify(connection);
  }
  if (connection.privacy == Privacy::none || tls.policy.reuses_connections) connection.kept_under = tls.policy.kept_under;
  connection.tls_status = plan.status;
  ++sessions_;
  const int limit = means_.params.smtp_mx_session_limit;
  // The last session that this destination gets; a fallback may follow.
  const bool is_last_session = limit > 0 && sessions_ >= limit && means_.params.smtp_fallback_relay.empty();
  talk(destination, std::move(connection), is_last_session ? Chance::last : chance, ready);
}

void Attempt::talk(const Destination& destination, Connection connection, Chance chance, Stamp ready) {
  const Step<void> forwarded = send_xforward(connection, request_, means_.params);
  Transaction transaction(connection, means_.params, means_.generic, means_.checks, request_, pending_);
  tls_note_ = chooser_.note(connection.tls_status);
  std::vector<Ending> endings = forwarded ? transaction.run() : transaction.give_up(forwarded.error());
  const delivery::Timing timing{.connected = ready, .connection_use = connection.uses};
  // What a server says is said of the message; a connection that breaks is the next hop's failure.
  const auto is_of_hop = [&](const delivery::Delivery& delivery) { return connection.is_broken() && delivery.diag_type.empty(); };
  std::string told;
  for (Ending& ending : endings) {
    ending.delivery.tls = tls_note_;
    if (ending.delivery.status == delivery::Status::deferred && chance == Chance::more) {
      if (told != ending.delivery.reason) maillog::info("{}: {}", request_.queue_id, ending.delivery.reason);
      told = ending.delivery.reason;
      last_failure_ = ending.delivery;
      last_timing_ = timing;
      hop_failed_ = is_of_hop(ending.delivery);
      continue;
    }
    if (ending.delivery.status == delivery::Status::deferred && is_of_hop(ending.delivery)) recorder_.hop_failed(ending.delivery);
    recorder_.record(request_.recipients[ending.recipient], ending.delivery, timing);
    std::erase(pending_, ending.recipient);
  }
  dismiss(destination, std::move(connection), transaction.needs_reset());
}

bool Attempt::reset(Connection& connection) const {
  const auto reply = connection.ask("RSET", "sending RSET", means_.params.smtp_rset_timeout);
  return reply && reply->is_positive() && !connection.is_leaving();
}

void Attempt::dismiss(const Destination& destination, Connection connection, bool needs_reset) {
  if (!connection.is_broken() && is_worth_keeping(destination, connection) && (!needs_reset || reset(connection))) {
    notify(connection);
    const std::string key = connection.kept_under;
    return means_.cache.keep(key, std::move(connection));
  }
  say_goodbye(connection, needs_reset);
  notify(connection);
}

bool Attempt::is_worth_keeping(const Destination& destination, const Connection& connection) const {
  if (connection.is_leaving() || connection.kept_under.empty() || means_.sasl.is_by_sender()) return false;
  if (means_.params.smtp_connection_cache_on_demand && request_.backlog) return true;
  const auto is_listed = means_.cached_destinations.matches(destination.host);
  return is_listed && *is_listed;
}

// What the server has of a transaction is ended by RSET, together with QUIT where it reads commands ahead.
void Attempt::say_goodbye(Connection& connection, bool needs_reset) const {
  const bool skips_reply = means_.params.smtp_skip_quit_response;
  if (needs_reset && connection.features.pipelining && !connection.is_broken()) {
    connection.command("RSET");
    connection.command("QUIT");
    const auto reply = connection.reply("sending RSET", means_.params.smtp_rset_timeout);
    if (reply && !skips_reply) static_cast<void>(connection.reply("sending QUIT", means_.params.smtp_quit_timeout));
    return connection.break_off();
  }
  if (needs_reset && !connection.is_broken()) static_cast<void>(reset(connection));
  connection.quit(skips_reply ? Connection::Goodbye::at_once : Connection::Goodbye::wait_for_reply, means_.params.smtp_quit_timeout);
}

// The postmaster hears of replies that look as if we did not speak SMTP well.
void Attempt::notify(const Connection& connection) const {
  const auto& transcript = connection.transcript();
  // Of notices nobody needs notices.
  if (!transcript || request_.sender.empty() || !means_.notices.wants(transcript->errors())) return;
  const std::string peer = connection.peer().relay();
  means_.notices.send({.to = means_.params.error_notice_recipient,
                       .named_to = {},
                       .subject = fmt::format("{} {} client: errors from {}", means_.params.mail_name,
                                              means_.protocol == Protocol::smtp ? "SMTP" : "LMTP", peer),
                       .opening = fmt::format("Unexpected response from {}.", peer),
                       .closing = {}},
                      *transcript);
}

// A session as the settings want it.
void Attempt::prepare(Connection& connection, const Destination& destination) const {
  const Peer& peer = connection.peer();
  connection.set_debugged(means_.params.debug_peer_level > 0 &&
                          (is_debugged(peer.host, peer.address) || is_debugged(destination.host, peer.address)));
  connection.set_queue_id(request_.queue_id);
  connection.set_reply_filter(&means_.reply_filter);
  if (means_.notices.wants(delivery::NoticeClass::protocol)) connection.keep_transcript();
}

bool Attempt::is_debugged(const std::string& name, const std::string& address) const {
  const auto is_listed = means_.debug_peers.matches(name, address);
  if (!is_listed) maillog::warning("{}", is_listed.error().message());
  return is_listed && *is_listed;
}

void Attempt::failed(delivery::Delivery failure, Chance chance) {
  // Before a server was reached there is nothing that the last line does not say.
  if (chance == Chance::more && failure.relay != "none") maillog::info("{}: {}", request_.queue_id, failure.reason);
  if (failure.tls.empty()) failure.tls = tls_note_;
  hop_failed_ = failure.status == delivery::Status::deferred;
  last_timing_ = {.connected = means_.clock.stamp()};
  last_failure_ = std::move(failure);
}

void Attempt::end_all(delivery::Delivery delivery, const delivery::Timing& timing) {
  if (delivery.tls.empty()) delivery.tls = tls_note_;
  for (const std::size_t recipient : pending_) recorder_.record(request_.recipients[recipient], delivery, timing);
  pending_.clear();
}

}  // namespace smtp
