#include "commands/postsuper/operations.h"

#include <array>
#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postsuper {

using queue::Queue;

namespace {

constexpr int race_limit = 3;   // a message that qmgr moves under our hands is looked for this often

// A flag is a mode bit: qmgr reads it when the message becomes active.
Result<bool> set_expired(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT ? Result<bool>(false) : base::fail_system(path);
  if ((status.st_mode & queue::mode_force_expired) != 0) return false;
  if (::chmod(path.c_str(), (status.st_mode & 07777) | queue::mode_force_expired) != 0) return base::fail_system("chmod " + path);
  return true;
}

// False when it is not there (any more).
Result<bool> move(const queue::Layout& layout, const queue::QueueId& id, Queue from, Queue to) {
  const auto moved = layout.move(id, from, to);
  if (moved) return true;
  if (moved.error().code() == ENOENT) return false;
  return base::Failure(moved.error());
}

Result<bool> apply_in(const queue::Layout& layout, Operation operation, const queue::QueueId& id, Queue queue) {
  if (!layout.exists(queue, id)) return false;
  switch (operation) {
    case Operation::erase:
      // The message first: a log without a message is rubbish, a message without its log would be sent again.
      TRY(layout.remove(queue, id));
      for (const Queue log : {Queue::defer, Queue::bounce, Queue::trace}) TRY(layout.remove(log, id));
      return true;
    case Operation::hold: return move(layout, id, queue, Queue::hold);
    case Operation::release: return move(layout, id, queue, Queue::deferred);
    case Operation::requeue: return move(layout, id, queue, Queue::maildrop);
    case Operation::expire: return set_expired(layout.path(queue, id));
  }
  return false;
}

}  // namespace

Words words(Operation operation) {
  switch (operation) {
    case Operation::erase: return {"removed", "Deleted"};
    case Operation::hold: return {"placed on hold", "Placed on hold"};
    case Operation::release: return {"released from hold", "Released from hold"};
    case Operation::requeue: return {"requeued", "Requeued"};
    case Operation::expire: return {"expired", "Force-expired"};
  }
  return {};
}

std::vector<Queue> default_queues(Operation operation) {
  switch (operation) {
    case Operation::erase: return {Queue::maildrop, Queue::hold, Queue::incoming, Queue::active, Queue::deferred};
    case Operation::hold: return {Queue::incoming, Queue::active, Queue::deferred};
    case Operation::release: return {Queue::hold};
    case Operation::expire:
    case Operation::requeue: return {Queue::hold, Queue::incoming, Queue::active, Queue::deferred};
  }
  return {};
}

Result<bool> apply(const queue::Layout& layout, Operation operation, const queue::QueueId& id, const std::vector<Queue>& queues) {
  for (int attempt = 0; attempt < race_limit; ++attempt) {
    for (const Queue queue : queues) {
      if (operation == Operation::hold && queue == Queue::hold) continue;
      if (TRY(apply_in(layout, operation, id, queue))) return true;
    }
  }
  return false;
}

}  // namespace postsuper
