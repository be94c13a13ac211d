#include "commands/load/smtp-sink/session.h"

#include <utility>

#include <syslog.h>

#include "lib/base/ascii.h"
#include "lib/event/loop.h"
#include "lib/io/socket.h"
#include "lib/log/log.h"

namespace smtp_sink {
namespace {

constexpr std::size_t command_limit = 8192;
constexpr std::size_t line_limit = 64 * 1024;   // of content; longer lines come in pieces

std::string address_of(int fd) {
  const auto peer = io::peer_of(fd);
  if (!peer) return "unknown";
  return (peer->address.is_v6() ? "ipv6:" : "") + peer->address.text();
}

// What is left of a command behind its verb, or behind "MAIL FROM:".
std::string_view arguments_of(std::string_view text, std::string_view keyword) {
  if (!ascii::starts_with_ignoring_case(text, keyword)) return text;
  return ascii::trim(text.substr(keyword.size()));
}

}  // namespace

Session::Session(const Options& options, Counters& counters, Fd client, std::function<void()> message_came)
    : options_(options), counters_(counters), stream_(std::move(client)), message_came_(std::move(message_came)) {
  envelope_.client_address = address_of(stream_.fd());
  envelope_.protocol = options.lmtp ? "LMTP" : "SMTP";
}

void Session::run() {
  for (Next next = greet(); next == Next::go_on;) {
    const io::LineResult line = stream_.read_line(deadline(), command_limit);
    if (line.end() == io::End::timeout) return maillog::warning("read timeout");
    if (line.end() != io::End::ok) return;
    next = command(line.text());
  }
  // What is still unread must not take the last reply away.
  static_cast<void>(stream_.flush(deadline()));
}

Session::Next Session::reply(std::string_view text) {
  stream_.write(text, deadline());
  return stream_.write("\r\n", deadline()) ? Next::go_on : Next::close;
}

void Session::shown(std::string_view line) const {
  if (options_.verbose) maillog::info("{}", line);
}

const std::string* Session::refusal(const Treatment& treatment) const {
  if (treatment.refuse_hard) return &options_.hard_reply;
  return treatment.refuse_soft ? &options_.soft_reply : nullptr;
}

void Session::delay(const Treatment& treatment) {
  if (treatment.delay.count() == 0) return;
  if (stream_.flush(deadline()) != io::End::ok) return;
  constexpr int faces = 100;
  int throws = 1;
  if (treatment.delay_odds > 0) {
    std::uniform_int_distribution<int> dice(0, faces - 1);
    while (dice(random_) < treatment.delay_odds) ++throws;
  }
  event::sleep_until(base::after(treatment.delay * throws));
}

Session::Next Session::greet() {
  shown("connect");
  const Treatment& treatment = options_.treatments.at(Verb::connect);
  if (treatment.log) ::syslog(LOG_INFO, "connect from %s", envelope_.client_address.c_str());
  if (treatment.close) return Next::close;
  delay(treatment);
  if (treatment.close_with_421) return reply("421 4.0.0 Server closing connection"), Next::close;
  if (const std::string* const text = refusal(treatment)) return reply(*text);
  if (options_.pix) return reply("220 ********");
  return reply("220 " + options_.host_name + (options_.esmtp ? " ESMTP" : ""));
}

bool Session::is_offered(Verb verb) const {
  switch (verb) {
    case Verb::connect: return false;
    case Verb::helo: return !options_.lmtp;
    case Verb::ehlo: return !options_.lmtp && options_.esmtp;
    case Verb::lhlo: return options_.lmtp;
    case Verb::xclient: return options_.xclient;
    case Verb::xforward: return options_.xforward;
    case Verb::auth:
    case Verb::mail:
    case Verb::rcpt:
    case Verb::data:
    case Verb::dot:
    case Verb::rset:
    case Verb::noop:
    case Verb::vrfy:
    case Verb::quit: break;
  }
  return true;
}

Session::Next Session::command(std::string_view line) {
  line = ascii::trim(line);
  shown(line);
  if (line.empty()) return reply("500 5.5.2 Error: unknown command");
  const std::string_view name = line.substr(0, line.find_first_of(" \t"));
  const auto verb = find_verb(name);
  if (!verb || !is_offered(*verb)) return reply("500 5.5.1 Error: unknown command");
  const Treatment& treatment = options_.treatments.at(*verb);
  if (treatment.log) ::syslog(LOG_INFO, "%.*s", static_cast<int>(line.size()), line.data());
  // The end of a message is treated when the message has come (end_of_message).
  if (treatment.close) return Next::close;
  // `line` lives until the next read.
  const std::string arguments(ascii::trim(line.substr(name.size())));
  delay(treatment);
  if (treatment.close_with_421) return reply("421 4.0.0 Server closing connection"), Next::close;
  if (const std::string* const text = refusal(treatment)) return reply(*text);
  return act(*verb, arguments);
}

Session::Next Session::act(Verb verb, std::string_view arguments) {
  switch (verb) {
    case Verb::connect: break;
    case Verb::helo:
      hello(verb, arguments);
      return reply("250 " + options_.host_name);
    case Verb::ehlo:
    case Verb::lhlo: hello(verb, arguments); return reply(extensions());
    case Verb::mail: return mail(arguments);
    case Verb::rcpt: return rcpt(arguments);
    case Verb::data: return data();
    case Verb::rset: reset(); return reply("250 2.1.0 Ok");
    case Verb::quit:
      ++counters_.quits;
      reply("221 Bye");
      return Next::close;
    case Verb::xclient:
    case Verb::xforward:
    case Verb::auth:
    case Verb::dot:
    case Verb::noop:
    case Verb::vrfy: break;
  }
  return reply("250 2.0.0 Ok");
}

void Session::hello(Verb verb, std::string_view arguments) {
  reset();
  envelope_.helo = arguments;
  envelope_.protocol = verb == Verb::helo ? "SMTP" : verb == Verb::ehlo ? "ESMTP" : "LMTP";
}

std::string Session::extensions() const {
  std::string out = "250-" + options_.host_name + "\r\n";
  const auto offer = [&out](bool is_offered, std::string_view text) {
    if (is_offered) out.append("250-").append(text).append("\r\n");
  };
  offer(options_.pipelining, "PIPELINING");
  offer(options_.eight_bit, "8BITMIME");
  offer(options_.auth, "AUTH PLAIN LOGIN");
  offer(options_.xclient, "XCLIENT NAME HELO");
  offer(options_.xforward, "XFORWARD NAME ADDR PROTO HELO");
  offer(options_.enhanced_codes, "ENHANCEDSTATUSCODES");
  offer(options_.dsn, "DSN");
  return out + "250 ";
}

void Session::reset() {
  in_mail_ = false;
  recipients_ = 0;
  envelope_.recipients.clear();
  dump_.reset();
}

Session::Next Session::mail(std::string_view arguments) {
  if (in_mail_) return reply("503 5.5.1 Error: nested MAIL command");
  reset();
  in_mail_ = true;
  if (options_.dumping == Dumping::no) return reply("250 2.1.0 Ok");
  envelope_.mail = arguments_of(arguments, "FROM:");
  auto dump = Dump::open(options_, base::system_clock().stamp());
  if (!dump) maillog::fatal("{}", dump.error().message());
  dump_ = std::move(*dump);
  return reply("250 2.1.0 Ok");
}

Session::Next Session::rcpt(std::string_view arguments) {
  if (!in_mail_) return reply("503 5.5.1 Error: need MAIL command");
  ++recipients_;
  if (dump_) envelope_.recipients.emplace_back(arguments_of(arguments, "TO:"));
  return reply("250 2.1.5 Ok");
}

Session::Next Session::data() {
  if (recipients_ == 0) return reply("503 5.5.1 Error: need RCPT command");
  if (reply("354 End data with <CR><LF>.<CR><LF>") == Next::close) return Next::close;
  if (options_.abort_delay || options_.read_delay.count() > 0) {
    if (stream_.flush(deadline()) != io::End::ok) return Next::close;
  }
  if (options_.abort_delay) {
    event::sleep_until(base::after(*options_.abort_delay));
    reply("550 This violates SMTP");
    return Next::close;
  }
  if (options_.read_delay.count() > 0) event::sleep_until(base::after(options_.read_delay));
  if (dump_) dump_->begin(options_, envelope_, base::system_clock().stamp());
  return read_content();
}

Session::Next Session::read_content() {
  bool at_line_start = true;
  std::string whole;   // a line for the dump
  for (;;) {
    const io::LineResult line = stream_.read_line(deadline(), line_limit);
    if (line.end() == io::End::timeout) return maillog::warning("read timeout"), Next::close;
    const bool is_complete = line.end() == io::End::ok;
    if (!is_complete && line.end() != io::End::too_long) return Next::close;
    std::string_view text = line.text();
    if (at_line_start && is_complete && text == ".") break;
    if (dump_) {
      if (at_line_start && text.starts_with('.')) text.remove_prefix(1);
      whole += text;
      if (is_complete) dump_->add_line(std::exchange(whole, {}));
    }
    at_line_start = is_complete;
  }
  shown(".");
  return end_of_message();
}

Session::Next Session::end_of_message() {
  const Treatment& treatment = options_.treatments.at(Verb::dot);
  if (treatment.log) ::syslog(LOG_INFO, ".");
  if (dump_) {
    if (const auto done = dump_->finish(); !done) maillog::fatal("{}", done.error().message());
    dump_.reset();
  }
  if (treatment.close) return Next::close;
  delay(treatment);
  if (treatment.close_with_421) return reply("421 4.0.0 Server closing connection"), Next::close;
  const std::string* const refused = refusal(treatment);
  const std::string_view taken = options_.lmtp ? "250 2.2.0 Ok" : "250 2.0.0 Ok";
  const std::size_t replies = options_.lmtp ? recipients_ : 1;
  Next next = Next::go_on;
  for (std::size_t i = 0; i < replies; ++i) next = reply(refused != nullptr ? std::string_view(*refused) : taken);
  reset();
  ++counters_.messages;
  // It may be the last: the client must have its reply.
  if (options_.messages > 0 && stream_.flush(deadline()) != io::End::ok) next = Next::close;
  message_came_();
  return next;
}

}  // namespace smtp_sink
