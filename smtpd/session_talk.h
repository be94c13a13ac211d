#pragma once
// What the tests of the session share: replies that come again and again, and a client that says its lines.

#include "smtpd/session_world.h"

namespace smtpd {

using Strings = std::vector<std::string>;

inline const std::string greeting = "220 mail.example.test ESMTP Postfix";
inline const std::string ehlo_reply =
    "250-mail.example.test|250-PIPELINING|250-SIZE 10240000|250-VRFY|250-ETRN|250-ENHANCEDSTATUSCODES|250-8BITMIME|250-DSN|"
    "250-SMTPUTF8|250 CHUNKING";
inline const std::string ok = "250 2.0.0 Ok", mail_ok = "250 2.1.0 Ok", rcpt_ok = "250 2.1.5 Ok", bye = "221 2.0.0 Bye";
inline const std::string go_on = "354 End data with <CR><LF>.<CR><LF>";

// The replies after the greeting.
inline Strings talk(TestWorld& world, const Strings& steps) {
  Strings replies = world.talk(steps);
  replies.erase(replies.begin());
  return replies;
}

}  // namespace smtpd
