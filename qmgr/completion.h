#pragma once
// What becomes of a message when nothing of it is under way: its notices are sent, then it is removed, or it goes back to
// the deferred queue with its next try as the file's modification time.

#include "lib/delivery/recorder.h"
#include "lib/event/rounds.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/messages/bounce.h"
#include "lib/queue/layout.h"
#include "qmgr/active_message.h"
#include "qmgr/clock_memory.h"
#include "qmgr/qmgr_params.h"

#include <functional>

namespace qmgr {

enum class Completed { removed, deferred };

class Completion {
 public:
  Completion(const Params& params, const queue::Layout& layout, ipc::Connections& services, const base::Clock& clock)
      : params_(params),
        layout_(layout),
        services_(services),
        sockets_(delivery::LogSockets::of(params)),
        clock_(clock),
        clock_memory_(ClockMemory::open(params.data_directory)),
        jumps_(clock_memory_.restore(clock)) {}

  // Parks while bounce(8) works. In doubt the message is deferred.
  [[nodiscard]] Completed complete(const ActiveMessage& message);

  // What has failed already is told; then the file goes to the corrupt queue.
  void set_aside(const ActiveMessage& message);

  // Has somebody set the clock? Asked at each queue run, so that it is noticed about when it happens.
  void look_at_clock() { jumps_.look(clock_.stamp(), clock_.now()); }
  // For the next process. Blocks.
  void keep_clock() const { clock_memory_.keep(jumps_); }

  // Back to deferred without having been tried.
  void defer(const queue::QueueId& id, Stamp arrived);

 private:
  // Of the recipients that have failed, and of those whose delivery was asked about. False: a log is still there.
  [[nodiscard]] bool tell(const ActiveMessage& message);
  // Changes a byte or two of the queue file in place.
  void note_in_file(const queue::QueueId& id, const std::function<Result<void>(int fd)>& change);
  [[nodiscard]] bool ask_bounce(std::string_view service, ipc::BounceCommand command, const ActiveMessage& message);
  [[nodiscard]] bool is_expired(const ActiveMessage& message);
  [[nodiscard]] bool warns_now(const ActiveMessage& message) const;

  const Params& params_;
  const queue::Layout& layout_;
  ipc::Connections& services_;
  const delivery::LogSockets sockets_;
  const base::Clock& clock_;
  ClockMemory clock_memory_;
  ClockJumps jumps_;
  event::Rounds removals_{1};  // one thread: they wait for the same journal
};

}  // namespace qmgr
