#pragma once
// One destination of one transport: how many deliveries run at once (the window), whether it is dead for now, and who waits
// for it.

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "qmgr/job.h"

namespace qmgr {

// How a window grows and shrinks per delivery (SCHEDULER_README): by a fixed amount, 1/window or 1/sqrt(window).
struct Feedback {
  enum class Scale { fixed, inverse, inverse_square_root };
  double amount = 1;
  Scale scale = Scale::fixed;
  // "1", "0.5", "1/8", "1/concurrency", "1/sqrt_concurrency". Nothing when it is none of these, or not between 0 and 1.
  static std::optional<Feedback> parse(std::string_view text);
  [[nodiscard]] double at(int window) const;
};

// What is set per transport: SERVICE_destination_concurrency_limit and so on; local_destination_concurrency_limit and
// local_destination_recipient_limit have defaults of their own.
struct DestinationLimits {
  int initial_concurrency = 5;
  int concurrency_limit = 20;          // 0: without limit
  int recipient_limit = 50;            // of one delivery; 0: without limit; 1: every recipient is a destination
  double failed_cohort_limit = 1;      // so many windows of failures in a row make a destination dead; 0: never
  Feedback positive, negative;
  std::chrono::seconds rate_delay{0};  // from the end of a delivery to the next; implies one at a time
};

class Destination {
 public:
  Destination(std::string name, std::string nexthop, const DestinationLimits& limits)
      : name_(std::move(name)), nexthop_(std::move(nexthop)), limits_(limits), window_(limits.initial_concurrency) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& nexthop() const { return nexthop_; }

  // Those who wait, at most one of each job, by the order of their jobs. The transport's to change.
  [[nodiscard]] std::map<Rank, Peer*>& line() { return line_; }
  [[nodiscard]] bool has_waiting() const { return !line_.empty(); }

  // Whether another delivery may start now.
  [[nodiscard]] bool may_start(Deadline now) const;
  // One that was dead begins afresh.
  void started();
  void succeeded();
  // The next hop as a whole failed. True when that makes the destination dead.
  bool failed(Deadline now, std::chrono::seconds dead_time, std::string status, std::string reason);
  void ended(Deadline now);

  [[nodiscard]] bool is_dead(Deadline now) const { return now < dead_until_; }
  [[nodiscard]] const std::string& dead_status() const { return dead_status_; }
  [[nodiscard]] const std::string& dead_reason() const { return dead_reason_; }
  void revive();
  // Nothing waits, runs or is remembered: it can be forgotten.
  [[nodiscard]] bool is_idle(Deadline now) const { return line_.empty() && busy_ == 0 && now >= next_start(); }
  // When a delivery that may not start now may start, by the clock alone.
  [[nodiscard]] Deadline next_start() const { return std::max(next_start_, dead_until_); }

  // For those who want to see how the window moves (destination_concurrency_feedback_debug).
  [[nodiscard]] std::string state() const;
  [[nodiscard]] int window() const { return window_; }
  // Deliveries that run.
  [[nodiscard]] int busy() const { return busy_; }

 private:
  // It died, and nothing has been started or delivered since; is_dead() says whether its time is over.
  [[nodiscard]] bool was_dead() const { return dead_until_ != Deadline{}; }

  std::string name_, nexthop_;
  const DestinationLimits& limits_;
  std::map<Rank, Peer*> line_;
  int window_;
  // What has come together of feedback since the window last grew or shrank. It moves by one at a time, and does so when
  // less than half a feedback is wanting, so that fractions that do not add up to one are rounded. A first failure is
  // felt at once.
  double success_ = 0, failure_ = 0;
  double failed_cohorts_ = 0;
  int busy_ = 0;
  Deadline dead_until_{}, next_start_{};
  std::string dead_status_, dead_reason_;
};

}  // namespace qmgr
