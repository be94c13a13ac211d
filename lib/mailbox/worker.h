#pragma once
// A worker: a process that has become a user, and does what its agent asks with that user's rights, one task after the
// other, until the agent closes the connection.

#include <functional>
#include <string>

#include <sys/types.h>

#include "lib/base/fd.h"
#include "lib/mailbox/quota_rule.h"

namespace mailbox {

// What a worker is for. By default: the tasks of delivery agents.
struct WorkerLife {
  std::string root;                      // the directory that it sees as "/"; empty: all
  const QuotaBooks* quota = nullptr;     // of the Maildirs that it delivers to; null: they have none
  std::function<void()> warm_up;         // called once, in the process that forks workers: what it leaves in memory they share
  std::function<void()> before_change;   // called before it gives up its rights; its descriptors are closed by then
  // Until this returns. `failure`: why no command can be run here, or empty.
  std::function<void(Fd connection, const std::string& failure)> serve;
};

// A worker from its fork on, in a process that was made for it. Gives up all rights but the user's (when it has any to give up),
// all descriptors but the connection and 0, 1, 2, then serves. Ends the process.
[[noreturn]] void run_worker(Fd connection, uid_t uid, gid_t gid, const WorkerLife& life);

// Serves tasks until the peer closes. `failure`: why no command can be run here, for the log; or empty.
void serve_tasks(Fd connection, const std::string& failure = {}, const QuotaBooks* quota = nullptr);

}  // namespace mailbox
