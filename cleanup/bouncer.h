#pragma once
// Notices that cleanup itself must see to: a locally submitted message that cannot be taken goes back to its sender, and
// a sender that asked for it hears that a recipient became others.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "cleanup/message.h"
#include "cleanup/recipients.h"
#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/delivery/recorder.h"
#include "lib/ipc/connections.h"
#include "lib/queue/id.h"
#include "lib/queue/layout.h"

namespace cleanup {

// Why a message goes back, as the sender reads it.
struct Refusal {
  std::string_view dsn;     // "5.4.0"
  std::string_view reason;  // "too many hops"
};
// None where a message is not to be bounced but kept by its client.
[[nodiscard]] std::optional<Refusal> refusal_for(ipc::CleanupStatus status, std::string_view reason);

class Bouncer {
 public:
  Bouncer(ipc::Connections& services, const base::Clock& clock, int delay_resolution, delivery::LogSockets sockets)
      : services_(services), clock_(clock), delay_resolution_(delay_resolution), sockets_(std::move(sockets)) {}

  // Records that recipients were expanded. False: bounce(8) promised nothing; the message must not be taken.
  [[nodiscard]] bool trace_expanded(const Message& message, const std::string& queue_id, const std::vector<Expanded>& all);
  // Takes that back: the message was not taken after all.
  void drop_trace(const std::string& queue_id);

  // Returns a message that lies complete in hold/, where qmgr never looks, and removes it. Each recipient is logged as
  // bounced. When bounce(8) does not take it the file is removed all the same, and an error is returned: the client
  // still has the message.
  [[nodiscard]] Result<void> bounce(const queue::Layout& layout, const queue::QueueId& id, const Message& message,
                                    const Refusal& refusal);

 private:
  [[nodiscard]] Result<void> bounce_recipients(const queue::Layout& layout, const queue::QueueId& id, const Message& message,
                                               const Refusal& refusal);

  ipc::Connections& services_;
  const base::Clock& clock_;
  int delay_resolution_;
  delivery::LogSockets sockets_;
};

}  // namespace cleanup
