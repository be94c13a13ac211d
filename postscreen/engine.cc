#include "postscreen/engine.h"

#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>

#include "lib/base/ascii.h"
#include "lib/base/c_escapes.h"
#include "lib/event/loop.h"
#include "lib/ipc/messages/tlsproxy.h"
#include "lib/log/log.h"
#include "lib/mail/header.h"
#include "postscreen/commands.h"
#include "postscreen/screen.h"

namespace postscreen {
namespace {

constexpr std::size_t shown = 100;   // characters of what a client says, in the log

std::string shown_text(std::string_view bytes) { return base::escape_c(bytes).substr(0, shown); }

}  // namespace

Engine::Engine(Session& session, Fd connection) : session_(session), stream_(std::move(connection)) {}

Deadline Engine::deadline() const { return base::after(session_.screen().settings().params.postscreen_command_time_limit); }

bool Engine::say(const smtp::Reply& reply) {
  if (stream_.write(session_.screen().wire(reply, session_.client()), deadline())) return true;
  how_ = End::hangup;
  return false;
}

void Engine::close_with(const smtp::Reply& reply) {
  if (say(reply)) static_cast<void>(stream_.flush(deadline()));
}

void Engine::break_off(const smtp::Reply& reply) {
  const std::string text = session_.screen().wire(reply, session_.client());
  [[maybe_unused]] const ssize_t ignored = ::send(stream_.fd(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Engine::close() { static_cast<void>(stream_.release()); }

Engine::End Engine::run(Greeting greeting) {
  const Params& params = session_.screen().settings().params;
  if (greeting == Greeting::to_send && !say({220, params.smtpd_banner})) return how_;
  while (const std::optional<std::string> line = read_command()) {
    const std::string_view text = *line;
    const std::string_view trimmed = ascii::trim(text);
    const std::string_view verb = trimmed.substr(0, trimmed.find_first_of(" \t"));
    const std::string_view rest = ascii::trim(trimmed.substr(verb.size()));
    if (!looks_like_smtp(verb, text)) return how_;
    const CommandRow* const row = find_command(verb);
    if (row != nullptr) where_ = row->verb;
    if (!waits_for_reply(where_)) return how_;
    if (++commands_ > params.postscreen_command_count_limit) {
      maillog::info("COMMAND COUNT LIMIT from {} after {}", session_.name(), where_);
      close_with({421, params.myhostname + " Service unavailable - try again later"});
      return how_;
    }
    const smtp::Reply reply = answer(row, rest);
    if (reply.closes()) {
      close_with(reply);
      return how_;
    }
    if (!reply.is_said() && !say(reply)) return how_;
  }
  return how_;
}

smtp::Reply Engine::answer(const CommandRow* row, std::string_view rest) {
  if (row == nullptr) return {502, "5.5.2 Error: command not recognized"};
  if (row->needs == Needs::tls && offers_tls() && session_.screen().settings().tls == smtp::TlsLevel::encrypt) {
    if (row->verb == "RCPT") note_recipient();
    return {530, "5.7.0 Must issue a STARTTLS command first"};
  }
  return row->handler(*this, rest);
}

std::optional<std::string> Engine::read_command() {
  const Params& params = session_.screen().settings().params;
  if (event::in_fiber()) event::trim_stack();
  // The end of the line counts.
  const io::LineResult line = stream_.read_line(deadline(), static_cast<std::size_t>(params.line_length_limit) - 1);
  switch (line.end()) {
    case io::End::ok: break;
    case io::End::too_long:
      maillog::info("COMMAND LENGTH LIMIT from {} after {}", session_.name(), where_);
      close_with({421, params.myhostname + " Service unavailable - try again later"});
      return std::nullopt;
    case io::End::timeout:
      maillog::info("COMMAND TIME LIMIT from {} after {}", session_.name(), where_);
      close_with({421, fmt::format("4.4.2 {} Error: timeout exceeded", params.myhostname)});
      return std::nullopt;
    case io::End::eof:
    case io::End::error: how_ = End::hangup; return std::nullopt;
  }
  if (line.ending() == io::LineEnding::lf && session_.watches(Test::bare_newline) && !failed_.has(Test::bare_newline)) {
    maillog::info("BARE NEWLINE from {} after {}", session_.name(), shown_text(line.text()));
    if (!fail(Test::bare_newline, {521, "5.5.1 Protocol error"})) return std::nullopt;
  }
  return filtered(std::string(line.text()));
}

// postscreen_command_filter. Where it cannot be asked, what it guards against could get through: the client may come again.
std::optional<std::string> Engine::filtered(std::string line) {
  const auto found = session_.screen().lists().command_filter.lookup(line);
  if (!found) {
    maillog::warning("postscreen_command_filter: {}", found.error().message());
    close_with({421, session_.screen().settings().params.myhostname + " Service unavailable - try again later"});
    return std::nullopt;
  }
  if (!*found) return line;
  maillog::info("{}: replacing command \"{}\" with \"{}\"", session_.name(), shown_text(line), shown_text(**found));
  return **found;
}

bool Engine::looks_like_smtp(std::string_view verb, std::string_view line) {
  if (!session_.watches(Test::non_smtp) || failed_.has(Test::non_smtp) || find_command(verb) != nullptr) return true;
  const auto is_forbidden = session_.screen().lists().forbidden.matches(verb);
  if (!is_forbidden) maillog::warning("{}", is_forbidden.error().message());
  if (!is_forbidden.value_or(false) && !mail::split_header(line)) return true;
  maillog::info("NON-SMTP COMMAND from {} after {}: {}", session_.name(), where_, shown_text(line));
  return fail(Test::non_smtp, {521, "5.7.0 Error: I can break rules, too. Goodbye."});
}

// postscreen does not announce PIPELINING: nothing may be behind a command.
bool Engine::waits_for_reply(std::string_view verb) {
  if (!session_.watches(Test::pipelining) || failed_.has(Test::pipelining) || !stream_.has_input()) return true;
  maillog::info("COMMAND PIPELINING from {} after {}: {}", session_.name(), verb, shown_text(stream_.buffered()));
  return fail(Test::pipelining, {521, "5.5.1 Protocol error"});
}

bool Engine::fail(Test test, const smtp::Reply& last_word) {
  failed_.add(test);
  switch (session_.screen().settings().action(test)) {
    case Action::ignore: return true;
    case Action::enforce: session_.refuse({550, "5.5.1 Protocol error"}); return true;
    case Action::drop: break;
  }
  session_.refuse(last_word);
  close_with(last_word);
  return false;
}

void Engine::say_hello(std::string_view name, bool is_extended) {
  helo_ = ascii::printable(name.substr(0, name.find_first_of(" \t")));
  is_extended_ = is_extended_ || is_extended;
  sender_.reset();
}

bool Engine::offers_tls() const { return session_.screen().settings().tls != smtp::TlsLevel::none && !is_encrypted_ && !has(discarded_, smtp::Ehlo::starttls); }

smtp::Reply Engine::start_tls() {
  // What somebody in between has put behind the command would be taken for the client's own (CVE-2011-0411).
  if (stream_.peek_input()) return {554, "5.5.0 Error: SMTP protocol synchronization", smtp::Reply::Then::close};
  Screen& screen = session_.screen();
  const std::chrono::seconds handshake_timeout = screen.settings().params.postscreen_starttls_timeout;
  auto proxy = screen.tls_proxy().prepare(session_.name(), handshake_timeout);
  if (!proxy) {
    maillog::warning("{}", proxy.error().message());
    return {454, "4.7.0 TLS not available due to local problem"};
  }
  smtp::Reply ready(220, "2.0.0 Ready to start TLS", smtp::Reply::Then::said);
  if (!say(ready) || stream_.flush(deadline()) != io::End::ok) return {421, "4.4.2 Error: connection lost"};
  ipc::send(*proxy, ipc::TlsProxyClient{.connection = stream_.release()}, deadline());
  stream_ = std::move(*proxy);
  if (stream_.flush(deadline()) != io::End::ok) return {421, "4.3.0 Error: no TLS"};
  is_encrypted_ = true;
  helo_.clear();
  sender_.reset();
  discarded_ = smtp::Ehlo::none;
  return ready;
}

// By the client's address, or for all.
smtp::Ehlo Engine::keywords_to_discard() const {
  const Screen& screen = session_.screen();
  if (screen.lists().discard_ehlo.empty()) return screen.settings().discarded;
  const auto found = screen.lists().discard_ehlo.lookup(session_.client().address.text());
  if (!found) maillog::warning("{}", found.error().message());
  if (!found || !*found) return screen.settings().discarded;
  const smtp::Ehlo out = known_keywords(**found);
  const std::string words = smtp::ehlo_keywords_text(out);
  if (!words.empty() && !has(out, smtp::Ehlo::silent_discard)) {
    // As Postfix writes it, without a colon before the port.
    const io::Endpoint& client = session_.client();
    maillog::info("[{}]{}: discarding EHLO keywords: {}", client.address.text(), client.port, words);
  }
  return out;
}

}  // namespace postscreen
