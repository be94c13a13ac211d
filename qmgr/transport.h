#pragma once
// One transport (a service of master.cf): its limits and its destinations, served in turn.

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/config/main_cf.h"
#include "qmgr/destination.h"

namespace qmgr {

class Transport {
 public:
  // `process_limit`: the service's maxproc, the most deliveries that it can run at once; 0 without limit.
  static Result<std::unique_ptr<Transport>> make(std::string name, const config::Main& main, int process_limit);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const DestinationLimits& limits() const { return limits_; }

  // The destination of a recipient: by next hop, or by recipient where each is delivered on its own.
  [[nodiscard]] Destination& destination(const std::string& nexthop, const std::string& recipient);

  // Puts a batch in line.
  void add(Destination& destination, Batch batch);

  // The next destination from which a delivery may start now, or null.
  [[nodiscard]] Destination* next_ready(Deadline now);
  void started(Destination& destination, Deadline now);
  // The destination is forgotten when nothing of it is left, and may be gone when this returns.
  void ended(Destination& destination, Deadline now);
  // The soonest time at which a destination that waits for the clock is ready; no_deadline when none does.
  [[nodiscard]] Deadline next_start(Deadline now) const;

  // The service cannot be reached: nothing is sent to it until then.
  void suspend(Deadline until) { suspended_until_ = until; }
  [[nodiscard]] bool is_suspended(Deadline now) const { return now < suspended_until_; }

  // All that waits, for a transport that cannot be reached.
  [[nodiscard]] std::vector<Batch> take_all();

  // How many are remembered.
  [[nodiscard]] std::size_t destinations() const { return destinations_.size(); }

  // Ends all waits: dead destinations and the suspension (postqueue -f).
  void revive();
  // The same for one destination only.
  void revive(const std::string& nexthop, const std::string& recipient);

 private:
  static constexpr std::size_t tidy_minimum = 64;  // destinations

  Transport(std::string name, int process_limit) : name_(std::move(name)), process_limit_(process_limit) {}

  std::string name_;
  int process_limit_;
  int busy_ = 0;
  std::size_t tidy_at_ = tidy_minimum;
  DestinationLimits limits_;
  std::map<std::string, std::unique_ptr<Destination>, std::less<>> destinations_;
  std::deque<Destination*> in_line_;   // those with something waiting, each once
  Deadline suspended_until_{};
};

}  // namespace qmgr
