#pragma once
// "* STATUS name (..)", which STATUS, LIST (RFC 5819) and NOTIFY (RFC 5465) say.

#include <string>
#include <string_view>

#include "imapd/session.h"
#include "lib/imap/mailbox_arguments.h"

namespace imapd {

// `name` as the store has it.
[[nodiscard]] Result<void> append_status_of(std::string& out, Session& session, std::string_view name, const imap::StatusItems& items);

}  // namespace imapd
