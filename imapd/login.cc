#include "imapd/login.h"

#include <fmt/format.h>

#include "imapd/capabilities.h"
#include "lib/imap/response_writer.h"
#include "lib/imap/session_arguments.h"

namespace imapd {
namespace {

constexpr std::string_view cleartext_refused = "Cleartext authentication disallowed on non-secure (SSL/TLS) connections.";

}  // namespace

void Login::say_too_many() { static_cast<void>(write(fmt::format("* BYE [LIMIT] Too many connections from {}.\r\n", client_.address()))); }

void Login::talk() {
  front::Gate& gate = client_.gate();
  if (gate.settings().is_wrapped && (gate.tls() == nullptr || !client_.start_tls())) return;
  if (write(fmt::format("* OK [CAPABILITY {}] {}\r\n", capabilities(), params_.imapd_banner)) == Next::end) return;
  while (read_command() == Next::command) {
  }
  if (client_.is_open()) static_cast<void>(client_.stream().flush(client_.deadline()));
}

Login::Next Login::read_command() {
  imap::ReadEnd end = reader_.begin(command_, client_.deadline());
  if (end == imap::ReadEnd::ok) end = reader_.finish(command_, client_.deadline());
  switch (end) {
    case imap::ReadEnd::ok: return dispatch();
    case imap::ReadEnd::fault: {
      if (!reader_.fault().is_final) return bad_command();
      std::string text;
      imap::append_syntax_error(text, command_.tag, command_.name, reader_.fault().text);
      if (write(text) == Next::end) return Next::end;
      return bye("Too long or malformed command.", "malformed command");
    }
    case imap::ReadEnd::timeout: return bye("Disconnected for inactivity.", "timeout");
    case imap::ReadEnd::eof:
    case imap::ReadEnd::error: break;
  }
  client_.log_lost("lost connection");
  return Next::end;
}

Login::Next Login::dispatch() {
  const std::string& name = command_.name;
  if (name == "CAPABILITY") return capability();
  if (name == "NOOP") return ok("NOOP completed.");
  if (name == "ID") return id();
  if (name == "STARTTLS") return starttls();
  if (name == "AUTHENTICATE") return authenticate();
  if (name == "LOGIN") return login();
  if (name == "LOGOUT") {
    if (write("* BYE Logging out\r\n") == Next::command) static_cast<void>(ok("Logout completed."));
    return Next::end;
  }
  return bad_command();
}

// Who is not known hears no more about what is wrong, and not often.
Login::Next Login::bad_command() {
  if (!client_.may_go_on_after_bad_command()) return bye("Too many invalid IMAP commands.", "too many errors");
  std::string out;
  imap::append_status(out, command_.tag, imap::Status::bad, {}, "Error in IMAP command received by server.");
  return write(out);
}

Login::Next Login::write(std::string_view text) { return client_.stream().write(text, client_.deadline()) ? Next::command : Next::end; }

Login::Next Login::ok(std::string_view text, std::string_view code) {
  std::string out;
  imap::append_status(out, command_.tag, imap::Status::ok, code, text);
  return write(out);
}

Login::Next Login::no(std::string_view text, std::string_view code) {
  std::string out;
  imap::append_status(out, command_.tag, imap::Status::no, code, text);
  return write(out);
}

Login::Next Login::bad(std::string_view text) {
  std::string out;
  imap::append_status(out, command_.tag, imap::Status::bad, {}, text);
  if (write(out) == Next::end) return Next::end;
  return client_.may_go_on_after_bad_command() ? Next::command : bye("Too many invalid IMAP commands.", "too many errors");
}

Login::Next Login::bye(std::string_view text, std::string_view why) {
  static_cast<void>(write(fmt::format("* BYE {}\r\n", text)));
  client_.log_lost(why);
  return Next::end;
}

std::string Login::capabilities() {
  std::string out(capabilities_before_login);
  if (client_.may_start_tls()) out += " STARTTLS";
  if (!client_.takes_cleartext()) out += " LOGINDISABLED";
  for (const auth::Mechanism& mechanism : client_.mechanisms()) out += " AUTH=" + mechanism.name;
  return out;
}

Login::Next Login::capability() {
  if (write(fmt::format("* CAPABILITY {}\r\n", capabilities())) == Next::end) return Next::end;
  return ok("Pre-login capabilities listed, post-login capabilities have more.");
}

Login::Next Login::id() {
  if (const auto given = imap::parse_id(command_.arguments.values()); !given) return bad_command();
  if (write("* ID (\"name\" \"Valija\")\r\n") == Next::end) return Next::end;
  return ok("ID completed.");
}

Login::Next Login::starttls() {
  if (!command_.arguments.values().empty()) return bad_command();
  if (client_.is_encrypted()) return bad("TLS is already active.");
  if (!client_.may_start_tls()) return bad("TLS support isn't enabled.");
  // What came behind STARTTLS without TLS is nobody's word (CVE-2011-0411).
  if (client_.stream().has_input()) {
    client_.log_lost("plaintext after STARTTLS");
    return Next::end;
  }
  if (ok("Begin TLS negotiation now.") == Next::end) return Next::end;
  return client_.start_tls() ? Next::command : Next::end;
}

Login::Next Login::authenticate() {
  auto arguments = imap::AuthenticateArguments::parse(command_.arguments.values());
  if (!arguments) return bad_command();
  return conclude(client_.log_in(arguments->mechanism, std::move(arguments->initial)));
}

Login::Next Login::login() {
  const auto arguments = imap::LoginArguments::parse(command_.arguments.values());
  if (!arguments) return bad_command();
  command_.arguments.clear();
  return conclude(client_.log_in_by_password(arguments->user, arguments->password));
}

Login::Next Login::conclude(const front::Verdict& verdict) {
  using Kind = front::Verdict::Kind;
  switch (verdict.kind) {
    case Kind::accepted: {
      const front::Client::Entry entry = client_.enter(command_.tag);
      if (entry.was_inside) return Next::end;
      static_cast<void>(no(entry.text, entry.is_temporary ? "UNAVAILABLE" : "LIMIT"));
      return bye("Disconnected.", "not let in");
    }
    case Kind::refused:
      if (no(verdict.text.empty() ? "Authentication failed." : verdict.text, "AUTHENTICATIONFAILED") == Next::end) return Next::end;
      return client_.may_go_on_after_failure() ? Next::command : bye("Too many failed logins.", "too many errors");
    case Kind::unavailable:
      if (no("Temporary authentication failure.", "UNAVAILABLE") == Next::end) return Next::end;
      return client_.may_go_on_after_failure() ? Next::command : bye("Too many failed logins.", "too many errors");
    case Kind::cleartext:
      if (write(fmt::format("* BAD [ALERT] {}\r\n", "Plaintext authentication not allowed without SSL/TLS, but your client did it anyway. If anyone was "
                                                   "listening, the password was exposed.")) == Next::end) {
        return Next::end;
      }
      if (no(cleartext_refused, "PRIVACYREQUIRED") == Next::end) return Next::end;
      return client_.may_go_on_after_failure() ? Next::command : bye("Too many failed logins.", "too many errors");
    case Kind::unknown:
      if (no("Unsupported authentication mechanism.", "ALERT") == Next::end) return Next::end;
      return client_.may_go_on_after_bad_command() ? Next::command : bye("Too many invalid IMAP commands.", "too many errors");
    case Kind::malformed: return bad(verdict.text);
    case Kind::cancelled: return bad("Authentication aborted by client.");
    case Kind::lost: break;
  }
  client_.log_lost("lost connection");
  return Next::end;
}

}  // namespace imapd
