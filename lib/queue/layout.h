#pragma once
// Where things are below the queue directory, and how messages move between its queues. A move is one rename: it is
// atomic, and nothing is synced, since a message is found in either queue after a crash.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/queue/id.h"

namespace queue {

enum class Queue { maildrop, incoming, active, deferred, hold, corrupt, saved, bounce, defer, trace, flush };

[[nodiscard]] std::string_view name(Queue queue);
[[nodiscard]] std::optional<Queue> find_queue(std::string_view name);

// Of queue files: what the mode says about a message.
inline constexpr unsigned mode_incomplete = 0600;
inline constexpr unsigned mode_complete = 0700;
inline constexpr unsigned mode_force_expired = 0010;  // a bit on top of mode_complete: postsuper -e and -f
inline constexpr unsigned mode_corrupt = 0400;
inline constexpr unsigned mode_log = 0600;
inline constexpr unsigned mode_directory = 0700;

class Layout {
 public:
  // `root` is the queue directory with a '/' at the end, or empty where it is the working directory. `hash_names` and
  // `hash_depth` are hash_queue_names and hash_queue_depth.
  Layout(std::string root, std::string_view hash_names, int hash_depth);

  [[nodiscard]] const std::string& root() const { return root_; }
  // "deferred/3/3322053CD0" or "active/3322053CD0".
  [[nodiscard]] std::string path(Queue queue, const QueueId& id) const;
  // "active/", and "active/3/": with the directories that an id is hashed to.
  [[nodiscard]] std::string directory(Queue queue) const;
  [[nodiscard]] bool is_hashed(Queue queue) const;
  [[nodiscard]] int hash_depth() const { return depth_; }

  // Makes the hashed directories above a file of this id, those that are missing.
  [[nodiscard]] Result<void> make_directories(Queue queue, const QueueId& id) const;

  // Renames; makes the destination's directories on demand. Never replaces a file: EEXIST. ENOENT: it is not there (any
  // more), which is the usual end of a race with postsuper.
  [[nodiscard]] Result<void> move(const QueueId& id, Queue from, Queue to) const;

  // Ok also when there is nothing to remove.
  [[nodiscard]] Result<void> remove(Queue queue, const QueueId& id) const;

  [[nodiscard]] bool exists(Queue queue, const QueueId& id) const;

 private:
  std::string root_;
  std::vector<Queue> hashed_;
  int depth_;
};

}  // namespace queue
