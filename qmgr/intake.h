#pragma once
// Whose turn it is to enter the active queue: ids that came by notice or were found by a scan wait here for room, new mail
// before old. What is in memory can always be found again in the directories.

#include <cstddef>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <unordered_set>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/event/loop.h"
#include "lib/queue/id.h"
#include "lib/queue/layout.h"
#include "qmgr/scan.h"

namespace qmgr {

class Intake {
 public:
  // Moves the message into the active queue and begins with it; may park. `demanded`: somebody has asked for it. An Error
  // with code EBUSY: it is in use, and is looked at again in a moment; ENOENT or EAGAIN: there is nothing (yet) to take.
  using Enter = std::function<Result<void>(const queue::QueueId& id, queue::Queue from, bool demanded)>;

  // All are borrowed.
  Intake(const queue::Layout& layout, const base::Clock& clock, std::size_t active_limit, Enter enter);

  // The fiber that lets them in, for the life of the process.
  void start();

  // cleanup has taken in a message.
  void add_incoming(queue::QueueId id);
  // Somebody wants this deferred message tried now. When there is none, entering it finds out.
  void demand(queue::QueueId id);
  void start_scan(queue::Queue queue, Due due);
  // The message is not in the active queue any more: its place is free, and it may come again.
  void left(const queue::QueueId& id);

 private:
  void feed();
  // False when there was no fiber for it: the next scan finds it again.
  [[nodiscard]] bool activate(const queue::QueueId& id, queue::Queue from);
  void enter(queue::QueueId id, queue::Queue from);
  void try_later(queue::QueueId id, queue::Queue from);
  [[nodiscard]] bool has_room() const { return active_.size() < active_limit_; }

  const queue::Layout& layout_;
  const base::Clock& clock_;
  const std::size_t active_limit_;
  const Enter enter_;

  std::deque<queue::QueueId> incoming_, deferred_;    // wait for a place
  std::unordered_set<std::string> active_;            // or entering
  std::set<std::string> known_;                       // wait or are active
  std::set<std::string> demanded_;                    // of these, whom somebody has asked for
  bool incoming_overflowed_ = false;                  // there is more in the directory than incoming_ holds
  bool scanning_incoming_ = false, scanning_deferred_ = false;
  bool scan_all_next_ = false;                        // asked for while a scan of deferred ran
  event::Notify feed_;
  event::Semaphore turns_;                            // to enter
};

}  // namespace qmgr
