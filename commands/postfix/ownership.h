#pragma once
// What `postfix check` and start tell of owners and modes that endanger the mail system.

#include "commands/postfix/actions.h"
#include "commands/postfix/directories.h"

namespace postfix {

// Warns of files that others could change or that mail_owner does not own, of commands that cannot do their work, and
// of damaged messages. An administrator may have reasons, so it is only told. Of a secondary instance, only its own files.
void warn_of_owners(const Context& context, const Owners& owners);

}  // namespace postfix
