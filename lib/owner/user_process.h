#pragma once
// A process that has become a user and serves his sessions, as orders come, until the daemon closes the connection and the last
// session is over.

#include <string>

#include "lib/base/fd.h"
#include "lib/owner/session.h"

namespace owner {

// The life of such a process, after it has become the user. Returns when it is over.
void serve_sessions(Fd connection, const Serve& serve);

}  // namespace owner
