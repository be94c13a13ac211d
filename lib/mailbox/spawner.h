#pragma once
// The spawner: a small process with one thread that an agent forks before it has threads and sessions, and that forks
// the workers. It keeps the agent's right to become users, and reads only from its agent.

#include <string>

#include "lib/base/fd.h"
#include "lib/mailbox/worker.h"

namespace mailbox {

// Forks the spawner. The descriptor is the connection that orders go to (SpawnerRequest); when it is closed the spawner
// and its workers end. Call it in a process with one thread, before its event loop runs.
[[nodiscard]] Result<Fd> start_spawner(const WorkerLife& life = {});

}  // namespace mailbox
