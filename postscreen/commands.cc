#include "postscreen/commands.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/logged_address.h"
#include "postscreen/engine.h"
#include "postscreen/screen.h"

namespace postscreen {
namespace {

using smtp::Ehlo;
using smtp::Reply;

const Params& params_of(Engine& engine) { return engine.session().screen().settings().params; }

Reply no_helo() { return {503, "5.5.1 Error: send HELO/EHLO first"}; }
Reply no_mail() { return {503, "5.5.1 Error: need MAIL command"}; }

bool lacks_helo(Engine& engine) { return params_of(engine).postscreen_helo_required && !engine.has_helo(); }

Reply ehlo(Engine& engine, std::string_view rest) {
  if (rest.empty()) return {501, "Syntax: EHLO hostname"};
  engine.say_hello(rest, true);
  const Params& params = params_of(engine);
  const Ehlo discarded = engine.discard_keywords();
  std::string text = params.myhostname;
  const auto announce = [&](Ehlo keyword, const std::string& line) {
    if (!has(discarded, keyword)) text += "\n" + line;
  };
  announce(Ehlo::size, params.message_size_limit > 0 ? fmt::format("SIZE {}", params.message_size_limit) : "SIZE");
  if (!params.disable_vrfy_command) announce(Ehlo::vrfy, "VRFY");
  announce(Ehlo::etrn, "ETRN");
  if (engine.offers_tls()) announce(Ehlo::starttls, "STARTTLS");
  announce(Ehlo::enhanced_status_codes, "ENHANCEDSTATUSCODES");
  announce(Ehlo::eight_bit_mime, "8BITMIME");
  announce(Ehlo::dsn, "DSN");
  if (params.smtputf8_enable) announce(Ehlo::smtputf8, "SMTPUTF8");
  announce(Ehlo::chunking, "CHUNKING");
  return {250, std::move(text)};
}

Reply helo(Engine& engine, std::string_view rest) {
  if (rest.empty()) return {501, "Syntax: HELO hostname"};
  engine.say_hello(rest, false);
  return {250, params_of(engine).myhostname};
}

// The path behind the colon, in external form: it only goes to the log, and nothing is said against its syntax. None without a colon.
std::optional<std::string> path_of(std::string_view rest) {
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view path = ascii::trim(rest.substr(colon + 1));
  if (path.starts_with('<')) {
    bool is_quoted = false;
    std::size_t end = 1;
    for (; end < path.size() && (is_quoted || path[end] != '>'); ++end) {
      if (path[end] == '\\') ++end;
      else if (path[end] == '"') is_quoted = !is_quoted;
    }
    path = path.substr(1, std::min(end, path.size()) - 1);
  } else {
    path = path.substr(0, path.find_first_of(" \t"));
  }
  // A source route is nobody's business (RFC 5321 appendix C).
  if (path.starts_with('@')) {
    if (const std::size_t end = path.find(':'); end != std::string_view::npos) path.remove_prefix(end + 1);
  }
  return mail::logged_address(mail::to_internal(path));
}

Reply mail_from(Engine& engine, std::string_view rest) {
  if (lacks_helo(engine)) return no_helo();
  if (engine.sender()) return {503, "5.5.1 Error: nested MAIL command"};
  auto path = path_of(rest);
  if (!path) return {501, "5.5.4 Syntax: MAIL FROM:<address>"};
  engine.sender() = std::move(*path);
  return {250, "2.1.0 Ok"};
}

Reply rcpt_to(Engine& engine, std::string_view rest) {
  engine.note_recipient();
  if (!engine.sender()) return no_mail();
  const auto path = path_of(rest);
  if (!path) return {501, "5.5.4 Syntax: RCPT TO:<address>"};
  const Reply refusal = engine.session().refusal();
  maillog::info("NOQUEUE: reject: RCPT from {}: {}; from=<{}>, to=<{}>, proto={}, helo=<{}>", engine.session().name(), refusal.text(),
                *engine.sender(), *path, engine.protocol(), engine.helo());
  return refusal;
}

// Content of a message that has no recipient: a client that does not listen.
Reply content(Engine& engine, std::string_view verb, Reply without_sender) {
  maillog::info("{} without valid RCPT from {}", verb, engine.session().name());
  if (!engine.sender()) return without_sender;
  return {554, "5.5.1 Error: no valid recipients", Reply::Then::close};
}
Reply data(Engine& engine, std::string_view) {
  return content(engine, "DATA", {503, "5.5.1 Error: need RCPT command", Reply::Then::close});
}
Reply bdat(Engine& engine, std::string_view) {
  return content(engine, "BDAT", {554, "5.5.1 Error: need MAIL command", Reply::Then::close});
}

Reply rset(Engine& engine, std::string_view) {
  engine.sender().reset();
  return {250, "2.0.0 Ok"};
}
Reply noop(Engine&, std::string_view) { return {250, "2.0.0 Ok"}; }

Reply vrfy(Engine& engine, std::string_view rest) {
  if (rest.empty()) return {501, "5.5.4 Syntax: VRFY address"};
  if (params_of(engine).postscreen_disable_vrfy_command) return {502, "5.5.1 VRFY command is disabled"};
  return engine.session().refusal();
}

Reply etrn(Engine& engine, std::string_view rest) {
  if (lacks_helo(engine)) return no_helo();
  if (rest.empty()) return {500, "Syntax: ETRN domain"};
  return {458, "Unable to queue messages"};
}

Reply starttls(Engine& engine, std::string_view rest) {
  if (!rest.empty()) return {501, "5.5.4 Syntax: STARTTLS"};
  if (engine.is_encrypted()) return {554, "5.5.1 Error: TLS already active"};
  if (!engine.offers_tls()) return {502, "5.5.1 Error: command not implemented"};
  return engine.start_tls();
}

Reply quit(Engine&, std::string_view) { return {221, "2.0.0 Bye", Reply::Then::close}; }

constexpr std::array rows{
    CommandRow{"HELO", &helo, Needs::nothing},     CommandRow{"EHLO", &ehlo, Needs::nothing}, CommandRow{"STARTTLS", &starttls, Needs::nothing},
    CommandRow{"MAIL", &mail_from, Needs::tls},    CommandRow{"RCPT", &rcpt_to, Needs::tls},  CommandRow{"DATA", &data, Needs::tls},
    CommandRow{"BDAT", &bdat, Needs::tls},         CommandRow{"RSET", &rset, Needs::tls},     CommandRow{"NOOP", &noop, Needs::nothing},
    CommandRow{"VRFY", &vrfy, Needs::tls},         CommandRow{"ETRN", &etrn, Needs::tls},     CommandRow{"QUIT", &quit, Needs::nothing},
};

}  // namespace

const CommandRow* find_command(std::string_view verb) {
  const auto* const found =
      std::ranges::find_if(rows, [&](const CommandRow& row) { return ascii::equal_ignoring_case(row.verb, verb); });
  return found == rows.end() ? nullptr : found;
}

}  // namespace postscreen
