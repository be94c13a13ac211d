#pragma once
// One message within one transport: what of it waits there, where it stands in the transport's line, and the delivery slots
// by which messages with few recipients overtake one with many (SCHEDULER_README, "How the preemption works").

#include <compare>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/ipc/messages/delivery.h"

namespace qmgr {

class ActiveMessage;
class Destination;
class Job;

// Recipients of one message that go to one destination together: one delivery.
struct Batch {
  std::shared_ptr<ActiveMessage> message;
  std::vector<ipc::DeliveryRecipient> recipients;
};

// A job's place in the line, first things first: by the order in which messages entered; who has overtaken a message
// stands right before it, with a smaller second number.
struct Rank {
  std::uint64_t message = 0;
  std::uint64_t place = std::numeric_limits<std::uint64_t>::max();
  auto operator<=>(const Rank&) const = default;

  // A place between the one before (of whatever message) and this one, nearer to the former: many may come after it, since
  // a message is overtaken by one after another rather than by one that is overtaken itself. The same Rank: no place is left.
  [[nodiscard]] Rank before(const Rank& previous) const;
};

// What is set per transport, by SERVICE_delivery_slot_cost and so on.
struct SlotLimits {
  int cost = 5;       // so many deliveries of a job give one slot; below 2: nobody overtakes
  int loan = 3;       // slots that may be wanting when a job is overtaken
  int discount = 50;  // percent of the slots needed that may be wanting
  int minimum = 3;    // a job that gives fewer slots in all is not overtaken
};

// The account of one job: deliveries that were chosen, and slots given to those who overtook it. In units of 1/cost slot, so
// that nothing is rounded. Pure.
class Slots {
 public:
  void chosen() { ++chosen_; }
  void lend(std::int64_t deliveries, const SlotLimits& limits) { lent_ += deliveries * limits.cost; }

  // Whether somebody may overtake now: with debts of last time paid, and more than a few slots to come in all. `waiting`: the
  // deliveries that are left.
  [[nodiscard]] bool may_lend(std::int64_t waiting, const SlotLimits& limits) const;
  // How many deliveries one who overtakes may have, once there are slots enough, and now.
  [[nodiscard]] std::int64_t most(std::int64_t waiting, const SlotLimits& limits) const;
  [[nodiscard]] bool has(std::int64_t deliveries, const SlotLimits& limits) const;

 private:
  std::int64_t chosen_ = 0, lent_ = 0;
};

// The batches of one job for one destination.
struct Peer {
  Job* job;
  Destination* destination;
  std::deque<Batch> waiting;
  std::uint64_t turn;   // of the peers of a job that may start, the one with the smallest is next
};

class Job {
 public:
  Job(const ActiveMessage& of, Rank in_line, Deadline entered) : message(of), rank(in_line), since(entered) {}

  const ActiveMessage& message;
  Rank rank;
  const Deadline since;
  Slots slots;
  std::map<Destination*, Peer> peers;   // those with something waiting
  std::int64_t waiting = 0;             // batches
  std::size_t recipients = 0;           // in memory: they wait, or their delivery runs
  // Since it overtook another: how many recipients it may have in memory, and how many of these are of the extra ones.
  std::size_t granted = 0, extra = 0;
  std::uint64_t turns = 0;
};

}  // namespace qmgr
