#pragma once
// One transport (a service of master.cf): its limits, its destinations, and the messages that wait for it, in the order in
// which they are served. Preemptive: a message with few recipients overtakes one with many, as far as the slots of the
// latter allow. Pure; see README.md, "Who is next".

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/config/main_cf.h"
#include "qmgr/active_message.h"
#include "qmgr/destination.h"
#include "qmgr/job.h"

namespace qmgr {

struct TransportLimits {
  DestinationLimits destination;
  SlotLimits slots;
  std::chrono::seconds rate_delay{0};           // from the end of a delivery to the next; implies one at a time
  // Recipients in memory: how many, how many more for messages that overtake, and when it pays to read more.
  std::size_t recipients = 20'000, extra_recipients = 1'000, refill = 100;
  std::chrono::seconds refill_delay{5};
};

class Transport {
 public:
  // `process_limit`: the service's maxproc, the most deliveries that it can run at once; 0 without limit.
  static Result<std::unique_ptr<Transport>> make(std::string name, const config::Main& main, int process_limit);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const TransportLimits& limits() const { return limits_; }

  // The destination of a recipient: by next hop, or by recipient where each is delivered on its own.
  [[nodiscard]] Destination& destination(const std::string& nexthop, const std::string& recipient);

  // Puts a batch in line.
  void add(Destination& destination, Batch batch, Deadline now);

  // The delivery that is to start now, if any; it counts as started.
  struct Start {
    Destination* destination;
    Batch batch;
  };
  [[nodiscard]] std::optional<Start> next(Deadline now);
  // After succeeded() or failed() of the destination, which is forgotten when nothing of it is left, and may be gone when
  // this returns.
  void ended(Destination& destination, const Batch& batch, Deadline now);
  // The soonest time at which something that waits for the clock may start; no_deadline when nothing does.
  [[nodiscard]] Deadline next_start(Deadline now) const;

  // The service cannot be reached: nothing is sent to it until then.
  void suspend(Deadline until) { suspended_until_ = until; }
  [[nodiscard]] bool is_suspended(Deadline now) const { return now < suspended_until_; }

  // All that waits, for a destination that has died, or for a transport that cannot be reached.
  [[nodiscard]] std::vector<Batch> take_all(Destination& destination);
  [[nodiscard]] std::vector<Batch> take_all();

  // Ends all waits: dead destinations and the suspension (postqueue -f).
  void revive(Deadline now);
  // The same for one destination only.
  void revive(const std::string& nexthop, const std::string& recipient, Deadline now);

  // Recipients in memory, of all messages and of one.
  [[nodiscard]] std::size_t recipients() const { return recipients_; }
  [[nodiscard]] std::size_t recipients(const ActiveMessage& message) const;
  // How many recipients more a message that is not read to its end may bring here: the first such message all that is left,
  // one that has overtaken another what it was granted then.
  [[nodiscard]] std::size_t share(const ActiveMessage& message) const;
  // The first message that is not read to its end, or null.
  [[nodiscard]] const ActiveMessage* first_unread() const { return unread_.empty() ? nullptr : &unread_.begin()->second->message; }
  // The message has been read to its end; it is not in the active queue any more.
  void all_read(const ActiveMessage& message);
  void forget(const ActiveMessage& message);

  // How many destinations are remembered.
  [[nodiscard]] std::size_t destinations() const { return destinations_.size(); }

 private:
  static constexpr std::size_t tidy_minimum = 64;        // destinations
  static constexpr std::size_t overtakers_limit = 1000;  // jobs that are looked at for one
  class Overtaker;

  Transport(std::string name, int process_limit) : name_(std::move(name)), process_limit_(process_limit) {}

  Job& job(const Batch& batch, Deadline now);
  void end_job(const ActiveMessage& message);
  void settle(Destination& destination, Deadline now);
  void unsettle(Destination& destination);
  void wake(Deadline now);
  [[nodiscard]] bool is_full() const;
  Batch take(Peer& peer);
  void leave_line(Peer& peer);
  void drop(const Batch& batch);
  [[nodiscard]] bool may_start(const Job& job) const;
  [[nodiscard]] Job* overtaker(Job& current, Deadline now);
  void put_before(Job& job, Job& current, Deadline now);

  std::string name_;
  int process_limit_;
  int busy_ = 0;
  std::size_t tidy_at_ = tidy_minimum;
  TransportLimits limits_;
  std::map<std::string, std::unique_ptr<Destination>, std::less<>> destinations_;
  std::unordered_map<const ActiveMessage*, std::unique_ptr<Job>> jobs_;
  std::map<Rank, Job*> line_;                 // those with something waiting
  std::map<Rank, Job*> unread_;               // those whose messages are not read to their ends, by their first ranks
  std::size_t recipients_ = 0, extra_granted_ = 0;
  // Each destination for which something waits is in one of these or at its window. `ready_` is by who is next there: the
  // job's rank, then the peer's turn.
  std::map<std::pair<Rank, std::uint64_t>, Destination*> ready_;
  std::map<std::pair<Deadline, Destination*>, Destination*> sleeping_;
  struct Place {
    std::optional<std::pair<Rank, std::uint64_t>> ready;
    std::optional<Deadline> sleeping;
  };
  std::unordered_map<const Destination*, Place> places_;
  Deadline suspended_until_{}, next_start_{};
};

}  // namespace qmgr
