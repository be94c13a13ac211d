#pragma once
// New files made durable together: a round is the fsync of each of its files, then of the directory that has their names.
// Where the file system has one journal for everybody one round at a time is best: its first fsync commits what all of them
// wrote, the others find it done, and the commits, which are what costs, become fewer the more there is to do. Elsewhere
// files had better not wait for one another.

#include "lib/base/error.h"
#include "lib/event/rounds.h"

namespace queue {

class SyncRounds {
 public:
  static constexpr int rounds_side_by_side = 8;  // where each fsync is a write of its own

  explicit SyncRounds(int directory_fd);  // borrowed; must outlive this, which must outlive its callers

  // The file's bytes, and every name that was in the directory before the call, are on disk when it succeeds. A failed
  // fsync of the directory fails for all of the round, that of a file for its own caller. Not cancelled.
  [[nodiscard]] Result<void> sync(int file_fd);
  // Only the names.
  [[nodiscard]] Result<void> sync_names();

 private:
  event::Rounds rounds_;
};

}  // namespace queue
