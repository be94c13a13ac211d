#pragma once
// postfix logrotate: maillog_file gets another name and is compressed, while the suite goes on with a new one.

#include "commands/postfix/actions.h"

namespace postfix {

int logrotate(const Context& context);

}  // namespace postfix
