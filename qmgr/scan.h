#pragma once
// Looks through a queue directory for messages that are ready. Runs on the pool, since a large directory takes long.

#include <vector>

#include "lib/base/error.h"
#include "lib/queue/id.h"
#include "lib/queue/layout.h"

namespace qmgr {

enum class Due {
  by_time,   // whose modification time has come
  all,       // whatever the time stamps say (postqueue -f)
};

// Complete messages that are due, at most `limit`; the rest is found by the next scan.
struct Scanned {
  std::vector<queue::QueueId> ids;
  bool more = false;
};
[[nodiscard]] Scanned scan(const queue::Layout& layout, queue::Queue queue, Due due, Stamp now, std::size_t limit);

}  // namespace qmgr
