#pragma once
// Drives the transports: starts what may start, and does what a delivery's end asks for.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lib/event/loop.h"
#include "lib/ipc/connections.h"
#include "lib/queue/layout.h"
#include "qmgr/clog.h"
#include "qmgr/dispatch.h"
#include "qmgr/qmgr_params.h"
#include "qmgr/scheduler.h"

namespace qmgr {

class Deliveries {
 public:
  struct Events {
    // Nothing of the message is under way any more.
    std::function<void(const std::shared_ptr<ActiveMessage>& message)> over;
    // Recipients have left memory: there may be room for more of this message.
    std::function<void(const ActiveMessage& message)> room;
  };
  // All are borrowed.
  Deliveries(const Params& params, Scheduler& scheduler, ipc::Connections& services, const queue::Layout& layout, const base::Clock& clock,
             Events events);

  // A transport without parameters that make sense ends the process.
  Transport& transport(const std::string& name);

  // Puts a batch in line. Nothing starts before pump(): who is next is not known before all of a message are there.
  void add(const std::string& transport, const std::string& nexthop, Batch batch);
  // Starts what may start.
  void pump(const std::string& transport) { pump(this->transport(transport)); }
  // Ends one of the things that message->batch_added() counts.
  void end(const std::shared_ptr<ActiveMessage>& message);

  // All of the message's recipients that have been read are in line.
  void assigned(const ActiveMessage& message) {
    if (message.unread_recipients() != 0) events_.room(message);
  }

  // Dead destinations and transports are tried again.
  void revive();
  // The message does not come back soon.
  void forget(const queue::QueueId& id) { agent_deaths_.erase(id.text()); }

 private:
  void pump(Transport& transport);
  void start(Transport& transport, Transport::Start start);
  void deliver(Transport& transport, Destination& destination, const Batch& batch);
  void after_delivery(Transport& transport, Destination& destination, const Batch& batch, const Dispatched& outcome);
  void feedback(Transport& transport, Destination& destination, const ipc::DeliveryAnswer& answer);
  void left(Transport& transport, const Batch& batch);
  void defer_unavailable(const Transport& transport, const Batch& batch);
  void defer_all(Transport& transport);
  void suspend(Transport& transport, Destination& destination);

  const Params& params_;
  Scheduler& scheduler_;
  ipc::Connections& services_;
  const queue::Layout& layout_;
  const base::Clock& clock_;
  const Events events_;
  Clog clog_;
  std::map<std::string, int> agent_deaths_;   // of messages that go on after their agent died
  std::map<std::string, std::unique_ptr<event::Loop::Watch>> timers_;   // per transport
};

}  // namespace qmgr
