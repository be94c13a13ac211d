#pragma once
// A process that has become a user and serves his sessions, as orders come, until the daemon closes the connection and the last
// session is over.

#include <string>

#include "lib/base/fd.h"
#include "lib/owner/session.h"
#include "lib/sandbox/enforce.h"

namespace owner {

// What such a process may still do. Worked out before there is one.
[[nodiscard]] Result<sandbox::Confinement> users_confinement();

// What such a process does first, and finds done: libraries' symbols are bound, and what they set up when they are used. In the
// process that forks them.
void warm_up();

// The life of such a process, after it has become the user. Returns when it is over.
void serve_sessions(Fd connection, const Serve& serve, const sandbox::Confinement& confinement);

}  // namespace owner
