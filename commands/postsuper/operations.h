#pragma once
// What postsuper does to one message. Every change is one rename, unlink or chmod, so that a crash leaves either state.

#include <optional>
#include <vector>

#include "lib/queue/layout.h"

namespace postsuper {

// In the order of the sums.
enum class Operation {
  requeue,   // -r: through pickup and cleanup again
  erase,     // -d
  expire,    // -e, -f: back to the sender at the next try
  hold,      // -h
  release,   // -H, -f
};

// What is logged for one message, and in the sum: "removed", "Deleted".
struct Words {
  std::string_view one, all;
};
[[nodiscard]] Words words(Operation operation);

// The queues that an operation looks at when none is named.
[[nodiscard]] std::vector<queue::Queue> default_queues(Operation operation);

// Whether something was done: the message was found in one of the queues, and was not in the wished state already.
[[nodiscard]] Result<bool> apply(const queue::Layout& layout, Operation operation, const queue::QueueId& id,
                                 const std::vector<queue::Queue>& queues);

}  // namespace postsuper
