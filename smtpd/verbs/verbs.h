#pragma once
// One handler a verb, each in a file of its own: parse, decide, act, reply. The table in commands.cc says when it is
// called.

#include <optional>
#include <string>
#include <string_view>

#include "smtpd/command.h"
#include "smtpd/reply.h"

namespace smtpd {

class Session;

std::optional<Reply> helo(Session&, const Command&);
std::optional<Reply> ehlo(Session&, const Command&);
std::optional<Reply> xclient(Session&, const Command&);
std::optional<Reply> xforward(Session&, const Command&);
std::optional<Reply> starttls(Session&, const Command&);
std::optional<Reply> auth(Session&, const Command&);
std::optional<Reply> mail_from(Session&, const Command&);
std::optional<Reply> rcpt_to(Session&, const Command&);
std::optional<Reply> data(Session&, const Command&);
std::optional<Reply> bdat(Session&, const Command&);
std::optional<Reply> rset(Session&, const Command&);
std::optional<Reply> noop(Session&, const Command&);
std::optional<Reply> vrfy(Session&, const Command&);
std::optional<Reply> etrn(Session&, const Command&);
std::optional<Reply> quit(Session&, const Command&);
std::optional<Reply> help(Session&, const Command&);
std::optional<Reply> unknown(Session&, const Command&);

// The address of the path, in internal form; none, and a warning, when there is none. Only MAIL has the empty path.
enum class PathOf { mail, rcpt, vrfy };
std::optional<std::string> take_path(Session&, PathOf, std::string_view text, bool declares_utf8);

}  // namespace smtpd
