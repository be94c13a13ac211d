#pragma once
// LOGIN-DELAY (RFC 2449 section 6.5): how soon a user may log in again. His last login is the time of the file
// valija-pop3-login, beside dovecot-uidlist, so that it counts for all processes and survives a restart.

#include <chrono>

#include "lib/base/error.h"
#include "lib/store/location.h"

namespace pop3d {

// True: it is a login, and has been noted.
[[nodiscard]] Result<bool> may_log_in(const store::Location& location, std::chrono::seconds delay);

}  // namespace pop3d
