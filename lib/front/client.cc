#include "lib/front/client.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "lib/base/ascii.h"
#include "lib/base/base64.h"
#include "lib/io/attend.h"
#include "lib/io/relay.h"
#include "lib/ipc/messages/mailbox.h"
#include "lib/log/lines.h"
#include "lib/log/log.h"
#include "lib/tls/session.h"

namespace front {
namespace {

using Kind = Verdict::Kind;

constexpr int steps_limit = 50;   // of one exchange; the longest mechanism has four
constexpr std::string_view no_reason = "(reason unavailable)";

Fd duplicate(int fd) { return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

}  // namespace

Client::Client(Gate& gate, server::Connection& connection)
    : gate_(gate), connection_(connection), session_(std::to_string(connection.session)), deadline_(base::after(gate.settings().login_timeout)) {}

void Client::identify() {
  std::string name = "localhost";
  address_ = local_address_ = "127.0.0.1";
  is_local_ = true;   // a UNIX socket: somebody on this machine
  if (connection_.peer) {
    address_ = connection_.peer->address.text();
    local_address_ = connection_.local ? connection_.local->address.text() : "";
    // Who talks to himself is on this machine, whatever the address.
    is_local_ = connection_.peer->address.is_loopback() || address_ == local_address_;
    name = gate_.settings().looks_up_names ? gate_.peer_names().look_up(connection_.peer->address).name : "unknown";
  }
  name_ = fmt::format("{}[{}]", name, address_);
}

bool Client::arrive() {
  identify();
  const int limit = gate_.settings().connections_limit;
  if (limit == 0) return true;
  const int count = gate_.anvil().ask(ipc::AnvilEvent::connect, ident()).count;
  is_counted_ = true;
  if (count <= limit) return true;
  // In the words of smtpd, by which log tools know them.
  maillog::warning("Connection concurrency limit exceeded: {} from {} for service {}", count, name_, gate_.settings().service);
  return false;
}

void Client::depart() {
  if (!std::exchange(is_counted_, false)) return;
  static_cast<void>(gate_.anvil().ask(ipc::AnvilEvent::disconnect, ident()));
}

std::string Client::ident() const { return fmt::format("{}:{}", gate_.settings().service, address_); }

Gate::Channel Client::channel() const { return {is_encrypted(), is_local_, tls_layer_ != nullptr && tls_layer_->has_channel_binding()}; }

bool Client::start_tls() {
  tls::ServerContext& context = *gate_.tls();
  if (tls::TicketKeys* const keys = context.tickets()) gate_.session_tickets().refresh(*keys);
  const tls::Detail detail = gate_.site().log_levels.general().detail;
  auto made = tls::Session::accept(context, stream().fd(), {.detail = detail, .peer = name_});
  if (!made) {
    maillog::warning("{}: {}", name_, made.error().message());
    tls::log_library_problems();
    return false;
  }
  tls::Session* const layer = made->get();
  gate_.site().log_start(name_, detail);
  const io::End end = stream().start_layer(std::move(*made), base::after(gate_.settings().handshake_timeout));
  if (end != io::End::ok) {
    const std::string_view why = end == io::End::timeout ? "Connection timed out" : end == io::End::eof ? "lost connection" : "-1";
    maillog::info("SSL_accept error from {}: {}", name_, why);
    tls::log_library_problems();
    return false;
  }
  tls_ = std::make_unique<const tls::Facts>(layer->facts());
  tls_layer_ = layer;
  gate_.site().log_connection(name_, *tls_, detail);
  return true;
}

void Client::log_lost(std::string_view why) const { maillog::info("{} before login from {}", why, name_); }

Verdict Client::log_in(std::string_view mechanism, std::optional<std::string> initial) {
  const auto offered = gate_.auth().mechanisms();
  if (!offered) return fail(Kind::unavailable, mechanism, offered.error().message());
  const auto named = [&](const auth::Mechanism& one) { return ascii::equal_ignoring_case(one.name, mechanism); };
  const auto known = std::ranges::find_if(*offered, named);
  const auto allowed = mechanisms();
  const auto found = std::ranges::find_if(allowed, named);
  if (found != allowed.end()) return run(*found, std::move(initial));
  const bool is_cleartext = known != offered->end() && (known->properties & auth::Property::plaintext) != auth::Property::none;
  return {is_cleartext ? Kind::cleartext : Kind::unknown, {}};
}

Verdict Client::log_in_by_password(std::string_view user, std::string_view password) {
  if (!takes_cleartext()) return {Kind::cleartext, {}};
  if (user.contains('\0') || password.contains('\0')) return fail(Kind::refused, "PLAIN", "a name or password with a NUL in it");
  // PLAIN (RFC 4616), which says the same in one message.
  const std::string response = fmt::format("{0}{1}{0}{2}", '\0', user, password);
  return run({"PLAIN", auth::Property::plaintext}, base::encode_base64(response));
}

Verdict Client::run(const auth::Mechanism& mechanism, std::optional<std::string> initial) {
  if (initial == auth::empty_response) initial = "";
  if (initial && !base::decode_base64(*initial)) return malformed(mechanism.name, "Invalid base64 data in initial response");
  const tls::ChannelBinding binding = tls_layer_ != nullptr ? tls_layer_->channel_binding() : tls::ChannelBinding{};
  auto started = gate_.auth().start({.mechanism = mechanism.name,
                                     .service = gate_.settings().service,
                                     .local_address = local_address_,
                                     .remote_address = address_,
                                     .is_encrypted = is_encrypted() || (is_local_ && takes_cleartext()),
                                     .binding = binding.empty() ? nullptr : &binding,
                                     .initial = initial,
                                     .session = session_});
  if (!started) return fail(Kind::unavailable, mechanism.name, started.error().message());
  auth::Answer answer = std::move(started->answer);
  for (int step = 0; answer.kind == auth::Answer::Kind::challenge; ++step) {
    if (step == steps_limit) return fail(Kind::unavailable, mechanism.name, "the authentication server has no end of questions");
    stream().write(fmt::format("+ {}\r\n", answer.text), deadline_);
    const io::LineResult line = stream().read_line(deadline_, response_limit);
    if (line.end() == io::End::too_long) {
      // The rest of it is no command.
      static_cast<void>(malformed(mechanism.name, "response is too long"));
      return {Kind::lost, {}};
    }
    if (!line) return {Kind::lost, {}};
    if (line.text() == "*") return {Kind::cancelled, {}};
    const std::string response(line.text());
    if (!base::decode_base64(response)) return malformed(mechanism.name, "Invalid base64 data in continued response");
    auto next = started->exchange.go_on(response);
    if (!next) return fail(Kind::unavailable, mechanism.name, next.error().message());
    answer = std::move(*next);
  }
  return conclude(answer, mechanism.name);
}

Verdict Client::conclude(const auth::Answer& answer, std::string_view method) {
  const std::string_view user = answer.user.empty() ? "(unavailable)" : std::string_view(answer.user);
  const std::string_view reason = answer.text.empty() ? no_reason : std::string_view(answer.text);
  if (answer.kind == auth::Answer::Kind::unavailable) return fail(Kind::unavailable, method, reason, user);
  if (answer.kind != auth::Answer::Kind::accepted) {
    Verdict verdict = fail(Kind::refused, method, reason, user);
    verdict.text = answer.text;
    return verdict;
  }
  if (answer.ticket.empty()) return fail(Kind::unavailable, method, "the authentication server gives no ticket", user);
  method_ = method;
  user_ = answer.user;
  ticket_ = answer.ticket;
  return {Kind::accepted, {}};
}

// In the words of smtpd, by which log tools know them.
Verdict Client::fail(Kind kind, std::string_view method, std::string_view why, std::string_view user) {
  maillog::warning("{}: SASL {} authentication failed: {}, sasl_username={}", name_, method, why, user);
  return {kind, {}};
}

Verdict Client::malformed(std::string_view method, std::string_view why) {
  Verdict verdict = fail(Kind::malformed, method, why);
  verdict.text = why;
  return verdict;
}

Client::Entry Client::enter(std::string_view tag) {
  const Entry unavailable{false, "Internal error occurred. Refer to server log for more information."};
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    maillog::warning("{}", base::Error::system("socketpair").message());
    return unavailable;
  }
  io::Stream inside{Fd(ends[0])};
  Fd lifeline(ends[1]);
  // What has been read of him already has to be carried.
  const bool is_direct = !is_encrypted() && connection_.peer && !stream().has_input();
  ipc::MailboxRequest request{.ticket = std::exchange(ticket_, {}),
                              .session = session_,
                              .client = name_,
                              .client_address = address_,
                              .is_encrypted = is_encrypted(),
                              .tag = std::string(tag),
                              .connection = duplicate(is_direct ? stream().fd() : lifeline.get()),
                              .lifeline = std::move(lifeline)};
  // What went before, a "+" of an exchange maybe, is with the client before the session speaks.
  if (stream().flush(deadline_) != io::End::ok) return unavailable;
  // Before the session has the socket: it speaks at once.
  const io::Relayed before = is_direct ? io::said_on(stream()) : io::Relayed{};
  const auto answer = gate_.services().ask_at<ipc::OpenMailbox>("private/" + gate_.settings().owner_service, request);
  // The session's ends are the only ones, so that its end is seen here.
  request.connection.reset();
  request.lifeline.reset();
  if (!answer || answer->status == ipc::MailboxStatus::unavailable) {
    maillog::warning("{}: the mailbox of {} cannot be opened: {}", name_, user_, answer ? answer->text : answer.error().message());
    return unavailable;
  }
  if (answer->status == ipc::MailboxStatus::refused) {
    maillog::info("{}: {} is not let in: {}", name_, user_, answer->text);
    return {false, answer->text, false};
  }
  maillog::write(maillog::LoginLine{.client = name_, .method = method_, .user = user_, .tls = tls_ ? std::string_view(tls_->protocol) : ""});
  is_over_ = true;
  const auto begun = std::chrono::steady_clock::now();
  const io::Relayed carried = is_direct ? io::attend(std::move(stream()), std::move(inside), before) : io::relay(std::move(stream()), std::move(inside));
  maillog::write(maillog::LogoutLine{.client = name_,
                                     .user = user_,
                                     .bytes_in = carried.from_client,
                                     .bytes_out = carried.from_inside,
                                     .time = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun)});
  return {true, {}};
}

}  // namespace front
