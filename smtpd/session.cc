#include "smtpd/session.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/check.h"
#include "lib/base/utf8.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "smtpd/shown.h"

namespace smtpd {
namespace {

// A client that says nothing for this long has its stack given back.
constexpr std::chrono::seconds idle_before_trim{2};
// How much of a command line is shown when it is too long, and of the input that should not have been there.
constexpr std::size_t shown_of_long_line = 30, shown_of_pipelined = 100, shown_of_filtered = 100;
// A line longer than this many times line_length_limit is not a command that somebody will end.
constexpr std::size_t endless_line = 2;

}  // namespace

Session::Session(Server& server, server::Connection& connection)
    : server_(server),
      snapshot_(server.snapshot(connection.stressed)),
      stream_(connection.stream),
      client_(Client::of(connection, snapshot_.params, server.peer_names())),
      limits_(server.anvil(), snapshot_.params, server.tables().event_limit_exceptions, server.service_name(), client_),
      policy_(snapshot_.params, server.tables().policy, snapshot_.lists, server.services(), server.addresses(), server.recently_listed()),
      milters_(*this),
      bare_newline_(bare_newline_for(server.tables(), snapshot_, client_)) {
  if (connection.local) {
    server_address_ = connection.local->address.text();
    server_port_ = std::to_string(connection.local->port);
  }
  instance_ = server.next_instance();
}

void Session::run() {
  maillog::info("connect from {}", client_.name_and_address);
  keep_transcript();
  if ((!server_.tls().is_wrapped || start_wrapped()) && greet()) {
    while (serve_one()) {
    }
  }
  if (tls_) stream_.shutdown();
  log_end();
  notify();
  const std::string notes = noted_bare_newline_ ? " notes=bare_lf" : "";
  maillog::info("disconnect from {}{}{}", client_.name_and_address,
            counters_.text([](std::size_t i) { return command_row(i).label; }), notes);
  reset();
  milters_.quit();
  limits_.disconnected();
}

bool Session::greet() {
  const Reply reply = greeting();
  if (is_denied_ && !reply.is_silent()) note_error(reply);
  if (!send(reply)) return false;
  if (!reply.closes()) return true;
  ending_ = Ending::refused;
  static_cast<void>(stream_.flush(deadline()));
  return false;
}

bool Session::serve_one() {
  if (errors_ >= params().smtpd_hard_error_limit) {
    ending_ = Ending::too_many_errors;
    static_cast<void>(send(Reply(421, fmt::format("4.7.0 {} Error: too many errors", params().myhostname))));
    static_cast<void>(stream_.flush(deadline()));
    return false;
  }
  std::optional<std::string> line = read_command();
  if (!line) return false;
  heard(*line);
  line = filtered(std::move(*line));
  if (!line) return false;
  was_refused_ = false;
  const Command command = Command::parse(*line);
  // RFC 6531 section 3.2: what is not UTF-8 is no command.
  const bool is_readable = !params().smtputf8_enable || base::is_utf8(*line);
  const std::size_t index = is_readable ? find_command(command.verb) : unknown_command();
  where_ = index == unknown_command() ? "UNKNOWN" : command_row(index).verb;
  const std::optional<Reply> reply = is_readable ? dispatch(command, index) : Reply(500, "5.5.2 Error: bad UTF-8 syntax");
  count(index, reply);
  if (reply) note_error(*reply);
  if (!reply) return false;
  if (reply->is_said()) return ending_ == Ending::none;
  if (!send(*reply)) return false;
  if (!reply->closes()) return true;
  static_cast<void>(stream_.flush(deadline()));
  if (ending_ == Ending::none) ending_ = reply->is_error() ? Ending::refused : Ending::quit;
  return false;
}

std::optional<Reply> Session::dispatch(const Command& command, std::size_t index) {
  const CommandRow& row = command_row(index);
  if (command.verb.empty()) return Reply(500, "5.5.2 Error: bad syntax");
  if (is_denied_ && (row.flags & serves_denied) == 0) {
    return Reply(503, fmt::format("5.7.0 Error: access denied for {}", client_.name_and_address));
  }
  if (is_improper_pipelining(row.flags)) {
    return Reply(554, "5.5.0 Error: SMTP protocol synchronization", Reply::Then::close);
  }
  if ((row.flags & needs_tls) != 0 && server_.tls().level == TlsLevel::encrypt && !is_encrypted()) {
    return Reply(530, "5.7.0 Must issue a STARTTLS command first");
  }
  if ((row.flags & needs_helo) != 0 && params().smtpd_helo_required && !has_helo()) {
    return Reply(503, "5.5.1 Error: send HELO/EHLO first");
  }
  if (const char* refusal = row.refusals[static_cast<std::size_t>(phase_)]; refusal != nullptr) {
    return Reply::from_text(refusal, 503, mail::Dsn(5, 5, 1));
  }
  return row.handler(*this, command);
}

// RFC 2920: without PIPELINING nothing may follow a command, with it nothing a command that must be the last.
bool Session::is_improper_pipelining(unsigned flags) {
  if (server_.trusts_clients()) return false;   // what is on standard input may all be there already
  const bool may_pipeline = is_extended_ && !has(discarded_, Ehlo::pipelining);
  if (may_pipeline && (flags & ends_pipeline) == 0) return false;
  if (!stream_.peek_input()) return false;
  if (!noted_pipelining_) {
    maillog::info("improper command pipelining after {} from {}: {}", where_, client_.name_and_address,
              escaped(stream_.buffered().substr(0, shown_of_pipelined)));
    noted_pipelining_ = true;
  }
  return params().smtpd_forbid_unauth_pipelining;
}

// One line. Where the client lets us wait, the unused part of the stack is given back meanwhile; what had come of the line
// stays in the stream.
io::LineResult Session::read_line(std::size_t limit) {
  const Deadline until = deadline();
  const Deadline first = std::min(until, server_.clock().now() + idle_before_trim);
  const io::LineResult line = stream_.read_line(first, limit);
  if (line.end() != io::End::timeout || first == until) return line;
  if (event::in_fiber()) event::trim_stack();
  return stream_.read_line(until, limit);
}

std::optional<std::string> Session::read_command() {
  const std::size_t limit = static_cast<std::size_t>(params().line_length_limit);
  const io::LineResult line = read_line(limit);
  switch (line.end()) {
    case io::End::ok: break;
    case io::End::too_long: {
      std::string kept(line.text());
      maillog::warning("{}: request longer than {}: {}...", client_.name_and_address, limit, kept.substr(0, shown_of_long_line));
      if (!skip_rest_of_line(kept.size())) return std::nullopt;
      return kept;
    }
    case io::End::timeout:
      ending_ = Ending::timeout;
      static_cast<void>(send(Reply(421, fmt::format("4.4.2 {} Error: timeout exceeded", params().myhostname))));
      static_cast<void>(stream_.flush(deadline()));
      return std::nullopt;
    case io::End::eof:
    case io::End::error: ending_ = Ending::lost_connection; return std::nullopt;
  }
  if (line.ending() == io::LineEnding::lf) {
    switch (bare_newline_) {
      case BareNewline::accept:
      case BareNewline::normalize: break;
      case BareNewline::note: note_bare_newline(); break;
      case BareNewline::reject:
        log_reject(where_, "bare <LF> received");
        ending_ = Ending::refused;
        static_cast<void>(send(Reply(params().smtpd_forbid_bare_newline_reject_code,
                                     fmt::format("5.5.2 {} Error: bare <LF> received", params().myhostname))));
        static_cast<void>(stream_.flush(deadline()));
        return std::nullopt;
    }
  }
  return std::string(line.text());
}

// smtpd_command_filter: what the site makes of a command line. None: it cannot be asked, and the session is over.
std::optional<std::string> Session::filtered(std::string line) {
  const maps::Maps& filter = server_.tables().command_filter;
  if (filter.empty()) return line;
  const auto found = filter.lookup(std::string_view(line).substr(std::min(line.find_first_not_of(" \t"), line.size())));
  if (!found) {
    const Reply reply(421, fmt::format("4.3.0 {} Server local data error", params().myhostname));
    maillog::warning("{}", found.error().message());
    maillog::info("{}: reject: {} from {}: {}", log_id(), where_, client_.name_and_address, reply.text());
    ending_ = Ending::refused;
    static_cast<void>(send(reply) && stream_.flush(deadline()) == io::End::ok);
    return std::nullopt;
  }
  if (!*found) return line;
  maillog::info("{}: replacing command \"{}\" with \"{}\"", client_.name_and_address, line.substr(0, shown_of_filtered), found->value().substr(0, shown_of_filtered));
  return **found;
}

// What is behind the part of an overlong command line that counts.
bool Session::skip_rest_of_line(std::size_t already) {
  const Deadline until = deadline();
  const std::size_t limit = static_cast<std::size_t>(params().line_length_limit);
  for (;;) {
    const io::LineResult part = stream_.read_line(until, limit);
    if (part) return true;
    already += part.text().size();
    if (part.end() != io::End::too_long) {
      lost(part.end(), std::nullopt);
      return false;
    }
    if (already > endless_line * limit) break;
  }
  ending_ = Ending::line_too_long;
  static_cast<void>(send(Reply(421, fmt::format("4.7.0 {} Error: line too long", params().myhostname))));
  static_cast<void>(stream_.flush(deadline()));
  return false;
}

void Session::count(std::size_t command, const std::optional<Reply>& reply) {
  const CommandRow& row = command_row(command);
  // What the site lets pass as no operation counts for nothing; whatever else is no command is a mistake.
  const bool is_unknown = command == unknown_command();
  if (is_unknown && reply && reply->code() == 250) return;
  const bool succeeded = (reply && !reply->is_error() && !is_unknown) || overshoot_is_forgiven_;
  overshoot_is_forgiven_ = false;
  counters_.count(command, succeeded && (row.flags & never_succeeds) == 0);
  if (!succeeded) ++errors_;
  if ((row.flags & is_junk) != 0 && ++junk_ > params().smtpd_junk_command_limit) ++errors_;
}

// A message has smtpd_timeout in all, and more for each smtpd_min_data_rate bytes that have come: one short line now and
// then does not hold a session for ever.
Deadline Session::content_deadline(Deadline started, std::size_t bytes) const {
  const auto rate = static_cast<std::size_t>(params().smtpd_min_data_rate);
  const std::chrono::seconds earned(static_cast<std::chrono::seconds::rep>(bytes / rate));
  return std::min(deadline(), started + params().smtpd_timeout + earned);
}

Deadline Session::deadline() const { return base::after(params().smtpd_timeout); }

void Session::enter(Phase phase) {
  CHECK(phase != Phase::idle);  // reset() goes there
  CHECK((phase == Phase::chunks_failed_idle) == (transaction_ == nullptr));
  phase_ = phase;
}

void Session::reset() {
  if (transaction_) milters_.abort();
  transaction_.reset();
  forwarded_.reset();
  recipient_.clear();
  phase_ = Phase::idle;
  instance_ = server_.next_instance();
}

void Session::set_helo(std::string name, bool is_extended) {
  helo_ = std::move(name);
  is_extended_ = is_extended_ || is_extended;
}

policy::Subject Session::subject(std::string_view recipient) const {
  policy::Subject subject{.client = client_,
                          .where = where_,
                          .protocol = protocol(),
                          .helo = helo_,
                          .recipient = recipient,
                          .server_address = server_address_,
                          .server_port = server_port_,
                          .sasl_method = login_ ? std::string_view(login_->method) : std::string_view(),
                          .sasl_username = login_ ? std::string_view(login_->username) : std::string_view(),
                          .sasl_sender = sasl_sender(),
                          .has_pipelined = noted_pipelining_,
                          .tls = tls_.get(),
                          .is_filtered = is_filtered()};
  if (!transaction_) return subject;
  if (where_ != "MAIL") subject.instance = instance_;
  subject.has_sender = true;
  subject.sender = transaction_->sender();
  subject.queue_id = transaction_->queue_id();
  subject.recipients = transaction_->recipients();
  subject.size = transaction_->size();
  subject.message = &transaction_->actions();
  return subject;
}

void Session::decide(ipc::MessageFlags flags) {
  if (transaction_) transaction_->decide(flags);
  else decided_ = decided_ | flags;
}

MacroFacts Session::macro_facts() const {
  return {.client = client_,
          .helo = helo_,
          .sender = transaction_ ? std::optional<std::string_view>(transaction_->sender()) : std::nullopt,
          .recipient = transaction_ ? transaction_->first_recipient() : std::string_view(),
          .server_name = params().myhostname};
}

bool Session::send(const Reply& reply) {
  if (reply.is_silent()) {
    if (ending_ == Ending::none) ending_ = Ending::refused;
    return false;
  }
  // The penalty for clients that go on making mistakes (smtpd_soft_error_limit). What was said before goes out first.
  if (errors_ > params().smtpd_soft_error_limit && params().smtpd_error_sleep_time.count() > 0) {
    if (stream_.flush(deadline()) != io::End::ok) {
      ending_ = Ending::lost_connection;
      return false;
    }
    event::sleep_until(server_.clock().now() + params().smtpd_error_sleep_time);
  }
  Reply last = params().soft_bounce ? reply.softened() : reply;
  if (last.is_error()) last = server_.tables().reject_filter.applied_to(std::move(last));
  if (last.is_error()) {
    const auto macros = [&](std::string_view name) { return macro_value(name, macro_facts()); };
    last = server_.tables().reject_footer.added_to(std::move(last), reply, macros, server_.clock().stamp());
  }
  std::string wire = last.wire();
  if (!params().smtputf8_enable) wire = without_utf8(std::move(wire), ' ');
  said(wire);
  if (stream_.write(wire, deadline())) return true;
  if (ending_ == Ending::none) ending_ = Ending::lost_connection;
  return false;
}

void Session::lost(io::End end, std::optional<std::size_t> content_bytes) {
  content_bytes_ = content_bytes;
  if (end != io::End::timeout) {
    ending_ = Ending::lost_connection;
    return;
  }
  ending_ = Ending::timeout;
  static_cast<void>(send(Reply(421, fmt::format("4.4.2 {} Error: timeout exceeded", params().myhostname))));
  static_cast<void>(stream_.flush(deadline()));
}

void Session::forgive() {
  errors_ = 0;
  junk_ = 0;
  if (transcript_) transcript_->forgive();
}

}  // namespace smtpd
