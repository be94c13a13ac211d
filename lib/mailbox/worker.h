#pragma once
// A worker: a process that has become a user, and does what its agent asks with that user's rights, one task after the
// other, until the agent closes the connection.

#include <string>

#include <sys/types.h>

#include "lib/base/fd.h"

namespace mailbox {

// The life of a worker, in a process that was forked for it. Sees no more than `root` when that is not empty. Gives up
// all rights but the user's (when it has any to give up), all descriptors but the connection and 0, 1, 2, then serves. Ends
// the process.
[[noreturn]] void run_worker(Fd connection, uid_t uid, gid_t gid, const std::string& root);

// Serves tasks until the peer closes. For run_worker and tests. `failure`: why no command can be run here, for the log; or
// empty.
void serve_tasks(Fd connection, const std::string& failure = {});

}  // namespace mailbox
