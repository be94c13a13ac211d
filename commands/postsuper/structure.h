#pragma once
// postsuper -s: puts the queue in the order in which the other programs expect it. After a restore from a backup the names
// of messages no longer hold their inodes, and could be given out again; after a change of hash_queue_names or
// hash_queue_depth files lie in the wrong directories.

#include <vector>

#include "lib/queue/layout.h"

namespace postsuper {

enum class Names {
  short_ids,   // a short id must hold the file's inode; a long one is unique without it
  all_ids,     // -S: long ones too
};

// All queues that hold messages or their logs.
[[nodiscard]] std::vector<queue::Queue> structured_queues();

// Gives each message of these queues, and its logs, the name that its inode demands, then moves every file to the
// directory that its name demands. A change is one rename, and what is interrupted is finished by the next run: renames
// for the inode go by way of "ID#FIX", so that two messages can trade names. Gives the number of messages that were
// renamed. Names that are no ids are told and left alone.
[[nodiscard]] Result<int> fix_structure(const queue::Layout& layout, const std::vector<queue::Queue>& queues, Names names);

}  // namespace postsuper
