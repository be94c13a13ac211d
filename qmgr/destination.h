#pragma once
// One destination of one transport: the recipients that wait for it, how many deliveries run at once (the window), and
// whether it is dead for now.

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/ipc/messages/delivery.h"

namespace qmgr {

class ActiveMessage;

// Recipients of one message that go to one destination together.
struct Batch {
  std::shared_ptr<ActiveMessage> message;
  std::vector<ipc::DeliveryRecipient> recipients;
};

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
  std::chrono::seconds rate_delay{0};  // between two deliveries; implies one at a time
};

class Destination {
 public:
  Destination(std::string name, std::string nexthop, const DestinationLimits& limits)
      : name_(std::move(name)), nexthop_(std::move(nexthop)), limits_(limits), window_(limits.initial_concurrency) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& nexthop() const { return nexthop_; }

  void add(Batch batch) { waiting_.push_back(std::move(batch)); }
  [[nodiscard]] bool has_waiting() const { return !waiting_.empty(); }
  [[nodiscard]] Batch take();
  // All that waits, for a destination that has died.
  [[nodiscard]] std::deque<Batch> take_all() { return std::exchange(waiting_, {}); }

  // Whether it stands in its transport's line, which is the transport's to say.
  [[nodiscard]] bool is_in_line() const { return is_in_line_; }
  void set_in_line(bool in_line) { is_in_line_ = in_line; }

  // Whether another delivery may start now.
  [[nodiscard]] bool may_start(Deadline now) const;
  // One that was dead begins afresh.
  void started(Deadline now);
  void succeeded();
  // The next hop as a whole failed. True when that makes the destination dead.
  bool failed(Deadline now, std::chrono::seconds dead_time, std::string status, std::string reason);
  void ended() { --busy_; }

  [[nodiscard]] bool is_dead(Deadline now) const { return now < dead_until_; }
  [[nodiscard]] const std::string& dead_status() const { return dead_status_; }
  [[nodiscard]] const std::string& dead_reason() const { return dead_reason_; }
  void revive();
  // Nothing waits, runs or is remembered: it can be forgotten.
  [[nodiscard]] bool is_idle(Deadline now) const { return waiting_.empty() && busy_ == 0 && !is_dead(now) && now >= next_start_; }
  // When a delivery that may not start now may start, by the clock alone.
  [[nodiscard]] Deadline next_start() const { return next_start_; }

 private:
  // It died, and nothing has been started or delivered since; is_dead() says whether its time is over.
  [[nodiscard]] bool was_dead() const { return dead_until_ != Deadline{}; }

  std::string name_, nexthop_;
  const DestinationLimits& limits_;
  std::deque<Batch> waiting_;
  int window_;
  // What has come together of feedback since the window last grew or shrank. It moves by one at a time, and does so when
  // less than half a feedback is wanting, so that fractions that do not add up to one are rounded. A first failure is
  // felt at once.
  double success_ = 0, failure_ = 0;
  double failed_cohorts_ = 0;
  int busy_ = 0;
  bool is_in_line_ = false;
  Deadline dead_until_{}, next_start_{};
  std::string dead_status_, dead_reason_;
};

}  // namespace qmgr
