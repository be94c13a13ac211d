#pragma once
// "postfix tls": turns TLS on, and looks after the server's keys and certificates; postfix-tls(1).

#include "commands/postfix/actions.h"

namespace postfix {

int manage_tls(const Context& context);

}  // namespace postfix
