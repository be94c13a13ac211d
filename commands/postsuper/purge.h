#pragma once
// postsuper -p: removes what nobody will finish.

#include <vector>

#include "lib/base/deadline.h"
#include "lib/queue/layout.h"

namespace postsuper {

enum class BogusNames { told, not_told };

// Messages of these queues that were being written when their writer died, a week ago or more. Names that can be those of no
// file of the queue are told and left alone.
void purge(const queue::Layout& layout, const std::vector<queue::Queue>& queues, Stamp now, BogusNames bogus);

}  // namespace postsuper
