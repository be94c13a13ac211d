#include "pop3d/login.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "pop3d/capabilities.h"

namespace pop3d {
namespace {

constexpr std::size_t line_limit = front::Client::response_limit;   // a response of SASL may come with its command

constexpr std::string_view cleartext_refused =
    "-ERR [AUTH] Cleartext authentication disallowed on non-secure (SSL/TLS) connections.";

}  // namespace

void Login::say_too_many() { static_cast<void>(reply(fmt::format("-ERR [SYS/TEMP] Too many connections from {}.", client_.address()))); }

void Login::talk() {
  front::Gate& gate = client_.gate();
  if (gate.settings().is_wrapped && (gate.tls() == nullptr || !client_.start_tls())) return;
  if (reply("+OK " + params_.pop3d_banner) == Next::end) return;
  for (;;) {
    const io::LineResult line = client_.stream().read_line(client_.deadline(), line_limit);
    if (line.end() == io::End::timeout) {
      static_cast<void>(reply("-ERR [IN-USE] Disconnected for inactivity."));
      static_cast<void>(client_.stream().flush(base::after(std::chrono::seconds(1))));
    }
    if (!line) return client_.log_lost(line.end() == io::End::timeout ? "timeout" : line.end() == io::End::too_long ? "line too long" : "lost connection");
    if (dispatch(std::string(line.text())) == Next::end) break;
  }
  if (client_.is_open()) static_cast<void>(client_.stream().flush(client_.deadline()));
}

Login::Next Login::dispatch(std::string_view line) {
  const auto space = line.find(' ');
  const std::string verb = ascii::uppercase(line.substr(0, space));
  const std::string_view arguments = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  if (verb == "CAPA") return capa();
  if (verb == "STLS") return stls();
  if (verb == "USER") return user(arguments);
  if (verb == "PASS") return pass(arguments);
  if (verb == "AUTH") return auth(arguments);
  if (verb == "UTF8") return utf8(arguments);
  if (verb == "LANG") return reply(language_reply(arguments));
  if (verb == "NOOP") return reply("+OK");
  if (verb == "QUIT") {
    static_cast<void>(reply("+OK Logging out"));
    return Next::end;
  }
  return refuse("-ERR Unknown command.");
}

Login::Next Login::reply(std::string_view text) {
  return client_.stream().write(fmt::format("{}\r\n", text), client_.deadline()) ? Next::command : Next::end;
}

Login::Next Login::refuse(std::string_view text) {
  if (client_.may_go_on_after_bad_command()) return reply(text);
  static_cast<void>(reply("-ERR Too many invalid bad commands."));
  client_.log_lost("too many errors");
  return Next::end;
}

Login::Next Login::refuse_login(std::string_view text) {
  if (reply(text) == Next::end) return Next::end;
  if (client_.may_go_on_after_failure()) return Next::command;
  client_.log_lost("too many failed logins");
  return Next::end;
}

// RFC 6856 section 2: messages go out as they are in any case.
Login::Next Login::utf8(std::string_view arguments) {
  if (!arguments.empty()) return refuse("-ERR UTF8 takes no arguments.");
  return reply("+OK UTF8 enabled");
}

Login::Next Login::capa() {
  std::string text = "+OK\r\nCAPA\r\n" + common_capabilities(params_.pop3d_login_delay);
  if (client_.takes_cleartext()) text += "USER\r\n";
  std::string mechanisms;
  for (const auth::Mechanism& mechanism : client_.mechanisms()) mechanisms += " " + mechanism.name;
  if (!mechanisms.empty()) text += "SASL" + mechanisms + "\r\n";
  if (client_.may_start_tls()) text += "STLS\r\n";
  return reply(text + ".");
}

Login::Next Login::stls() {
  if (client_.is_encrypted()) return refuse("-ERR TLS is already active.");
  if (!client_.may_start_tls()) return refuse("-ERR TLS support isn't enabled.");
  // What came behind STLS without TLS is nobody's word (RFC 2595 section 4, and CVE-2011-0411).
  if (client_.stream().has_input()) {
    client_.log_lost("plaintext after STLS");
    return Next::end;
  }
  if (reply("+OK Begin TLS negotiation now.") == Next::end || !client_.start_tls()) return Next::end;
  user_.clear();
  return Next::command;
}

Login::Next Login::user(std::string_view name) {
  if (!client_.takes_cleartext()) return refuse(cleartext_refused);
  user_ = name;
  return reply("+OK");
}

Login::Next Login::pass(std::string_view password) {
  if (user_.empty()) return refuse("-ERR No username given.");
  const std::string user = std::exchange(user_, {});
  return conclude(client_.log_in_by_password(user, password));
}

// "AUTH MECHANISM [INITIAL-RESPONSE]" (RFC 5034 section 4); alone it lists the mechanisms.
Login::Next Login::auth(std::string_view arguments) {
  if (arguments.empty()) {
    std::string text = "+OK\r\n";
    for (const auth::Mechanism& mechanism : client_.mechanisms()) text += mechanism.name + "\r\n";
    return reply(text + ".");
  }
  const auto space = arguments.find(' ');
  std::optional<std::string> initial;
  if (space != std::string_view::npos) initial = arguments.substr(space + 1);
  return conclude(client_.log_in(arguments.substr(0, space), std::move(initial)));
}

Login::Next Login::conclude(const front::Verdict& verdict) {
  using Kind = front::Verdict::Kind;
  switch (verdict.kind) {
    case Kind::accepted: {
      const front::Client::Entry entry = client_.enter("");
      if (entry.was_inside) return Next::end;
      static_cast<void>(reply(fmt::format("-ERR [{}] {}", entry.is_temporary ? "SYS/TEMP" : "IN-USE", entry.text)));
      return Next::end;
    }
    case Kind::refused: return refuse_login(fmt::format("-ERR [AUTH] {}", verdict.text.empty() ? "Authentication failed." : verdict.text));
    case Kind::unavailable: return refuse_login("-ERR [SYS/TEMP] Temporary authentication failure.");
    case Kind::cleartext: return refuse_login(cleartext_refused);
    case Kind::unknown: return refuse_login("-ERR [AUTH] Unsupported authentication mechanism.");
    case Kind::malformed: return refuse_login("-ERR [AUTH] " + verdict.text);
    case Kind::cancelled: return refuse_login("-ERR Authentication aborted by client.");
    case Kind::lost: break;
  }
  client_.log_lost("lost connection");
  return Next::end;
}

}  // namespace pop3d
