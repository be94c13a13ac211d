#pragma once
// The daemon that opens mailboxes for IMAP.

#include <memory>

#include "lib/server/service.h"

namespace imapd {

[[nodiscard]] Result<std::unique_ptr<server::Service>> make_owner(server::Startup& startup);

}  // namespace imapd
