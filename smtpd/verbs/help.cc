// HELP (RFC 5321 section 4.1.1.8).

#include <fmt/format.h>

#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {

std::optional<Reply> help(Session&, const Command&) { return Reply(214, fmt::format("2.0.0 Commands: {}", command_names())); }

}  // namespace smtpd
