#pragma once
// Whose turn it is to enter the active queue: ids that came by notice or were found by a scan wait here for room, new mail
// before old. What is in memory can always be found again in the directories.

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/event/loop.h"
#include "lib/queue/id.h"
#include "lib/queue/layout.h"
#include "qmgr/active_message.h"
#include "qmgr/scan.h"

namespace qmgr {

class Intake {
 public:
  // Moves the message into the active queue and begins with it; may park. An Error with code EBUSY: it is in use, and is
  // looked at again in a moment; ENOENT or EAGAIN: there is nothing (yet) to take.
  using Enter = std::function<Result<void>(const queue::QueueId& id, queue::Queue from, Why why)>;

  struct Limits {
    std::size_t active;                  // messages in the active queue
    std::chrono::seconds longest_wait;   // for the next try of a message
  };

  // Layout and clock are borrowed.
  Intake(const queue::Layout& layout, const base::Clock& clock, Limits limits, Enter enter);

  // The fiber that lets them in, for the life of the process.
  void start();

  // There is a message in incoming. With a notice of cleanup's it is new.
  void add_incoming(queue::QueueId id, Why why = Why::due);
  // Somebody wants this deferred message tried now. When there is none, entering it finds out.
  void demand(queue::QueueId id);
  void start_scan(queue::Queue queue, Due due);
  // The message is not in the active queue any more: its place is free, and it may come again.
  void left(const queue::QueueId& id);

 private:
  // One queue: who waits to enter, and the search for more.
  struct Source {
    queue::Queue queue;
    std::deque<queue::QueueId> waiting;
    bool is_scanned = false;
    std::optional<Due> again;     // asked for while a scan ran, which may be past what is wanted
    bool has_more = false;        // there is more in the directory than `waiting` holds
    event::Notify room;           // in `waiting`
  };

  void feed();
  [[nodiscard]] bool let_in(Source& source);
  void scan(Source& source, Due due);
  // False when there was no fiber for it: the next scan finds it again.
  [[nodiscard]] bool activate(const queue::QueueId& id, queue::Queue from);
  void enter(queue::QueueId id, queue::Queue from);
  void try_later(queue::QueueId id, queue::Queue from);
  [[nodiscard]] bool has_room(const Source& source) const;
  void pace_old_mail();
  void give_credit(std::size_t messages);
  [[nodiscard]] Source& source(queue::Queue queue) { return queue == queue::Queue::incoming ? incoming_ : deferred_; }

  const queue::Layout& layout_;
  const base::Clock& clock_;
  const Limits limits_;
  const Enter enter_;

  Source incoming_{.queue = queue::Queue::incoming}, deferred_{.queue = queue::Queue::deferred};
  std::unordered_map<std::string, queue::Queue> active_;   // or entering; where they came from
  std::size_t active_deferred_ = 0;                        // of these, from deferred
  std::unordered_set<std::string> known_;                  // wait or are active
  std::unordered_map<std::string, Why> asked_;             // of these, why, where that is not that they are due
  // While new mail comes old mail enters in proportion, for what a new message costs its client waits for.
  Deadline new_mail_until_{}, next_pace_{};
  std::size_t new_in_pace_ = 0;      // since the last pace
  std::size_t old_mail_credit_ = 0;
  event::Notify feed_;
  event::Semaphore turns_;                                 // to enter
};

}  // namespace qmgr
