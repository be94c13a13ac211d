#pragma once
// Looks through a queue directory for messages that are ready, some at a time: a large directory takes long, and what is
// found must not all be in memory.

#include <memory>
#include <string>
#include <vector>

#include <dirent.h>
#include <sys/stat.h>

#include "lib/base/error.h"
#include "lib/queue/id.h"
#include "lib/queue/layout.h"

namespace qmgr {

enum class Due {
  by_time,   // whose modification time has come
  all,       // whatever the time stamps say (postqueue -f)
};

// Which messages a scan is for.
struct Scope {
  Due due;
  Stamp began = Stamp::max();             // of all: what has been put back since then has had its try
  std::chrono::seconds longest_wait{0};   // by time: nobody waits for longer; who seems to was sent to wait by a clock that was wrong
};

class Scan {
 public:
  // The layout is borrowed.
  Scan(const queue::Layout& layout, queue::Queue queue, const Scope& scope);

  // The next complete messages that are due, `limit` at most; fewer when there are no more. Blocking.
  [[nodiscard]] std::vector<queue::QueueId> next(std::size_t limit);

 private:
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  struct Level {
    std::string path;
    std::unique_ptr<DIR, Close> directory;
  };
  void enter(std::string path);
  [[nodiscard]] bool is_due(const struct stat& status, Stamp now) const;

  const std::size_t depth_;   // levels of hash directories
  const Scope scope_;
  std::vector<Level> levels_;
};

}  // namespace qmgr
