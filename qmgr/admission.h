#pragma once
// Messages from their files to the transports: a file enters the active queue, its recipients are read, as many as there is
// room for, and put in line for where they go.

#include <memory>
#include <vector>

#include "lib/queue/layout.h"
#include "qmgr/deliveries.h"
#include "qmgr/router.h"
#include "qmgr/scheduler.h"

namespace qmgr {

class Admission {
 public:
  // All are borrowed.
  Admission(Router& router, Scheduler& scheduler, Deliveries& deliveries, const queue::Layout& layout, const base::Clock& clock)
      : router_(router), scheduler_(scheduler), deliveries_(deliveries), layout_(layout), clock_(clock) {}

  // Moves the message into the active queue and begins with it; parks. Errors: see Intake::Enter.
  [[nodiscard]] Result<void> enter(const queue::QueueId& id, queue::Queue from, Why why);

  // Reads the next recipients, if it is time. Parks.
  void refill(const std::shared_ptr<ActiveMessage>& message, std::size_t recipients);

 private:
  struct Opened {
    Fd file;
    bool is_force_expired;
    bool is_large;
  };
  [[nodiscard]] Result<Opened> open(const queue::QueueId& id, queue::Queue from) const;
  [[nodiscard]] Result<queue::Message> read(const queue::QueueId& id, const Opened& opened) const;
  // Groups recipients by destination, and puts them in line. Parks while addresses are resolved.
  void assign(const std::shared_ptr<ActiveMessage>& message, std::vector<ipc::DeliveryRecipient> recipients);
  void assign_group(const std::shared_ptr<ActiveMessage>& message, const std::string& transport, const std::string& nexthop,
                    std::vector<ipc::DeliveryRecipient> recipients);

  Router& router_;
  Scheduler& scheduler_;
  Deliveries& deliveries_;
  const queue::Layout& layout_;
  const base::Clock& clock_;
  std::uint64_t messages_ = 0;
};

}  // namespace qmgr
