// STARTTLS (RFC 3207).

#include <fmt/format.h>

#include "lib/log/log.h"
#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {

std::optional<Reply> starttls(Session& s, const Command& command) {
  if (!command.rest.empty()) return Reply(501, "5.5.4 Syntax: STARTTLS");
  if (s.tls() != nullptr) return Reply(554, "5.5.1 Error: TLS already active");
  const TlsSite& site = s.server().tls();
  if (site.level == TlsLevel::none || has(s.discarded(), Ehlo::starttls)) return Reply(502, "5.5.1 Error: command not implemented");
  // What somebody in between has put behind the command would be taken for the client's own (CVE-2011-0411).
  if (s.stream().peek_input()) return Reply(554, "5.5.0 Error: SMTP protocol synchronization", Reply::Then::close);
  if (!site.context) return Reply(454, "4.7.0 TLS not available due to local problem");
  if (s.limits().has_too_many_tls()) {
    maillog::warning("Refusing STARTTLS request from {} for service {}", s.client().name_and_address, s.server().service_name());
    return Reply(454, fmt::format("4.7.0 Error: too many new TLS sessions from {}", s.client().name_and_address));
  }
  const Reply ready(220, "2.0.0 Ready to start TLS", Reply::Then::said);
  if (!s.send(ready) || !s.start_tls()) return std::nullopt;
  return ready;
}

}  // namespace smtpd
