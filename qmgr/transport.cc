#include "qmgr/transport.h"

#include <algorithm>
#include <optional>

#include "lib/log/log.h"

namespace qmgr {
namespace {

// What nobody can make sense of is 1, as when nothing is set.
Result<Feedback> feedback(const config::Main& main, const std::string& name) {
  const std::string text = TRY(main.string(name));
  const std::optional<Feedback> parsed = Feedback::parse(text);
  if (!parsed) maillog::warning("{}: ignoring malformed or unreasonable feedback: {}", name, text);
  return parsed.value_or(Feedback{});
}

}  // namespace

Result<std::unique_ptr<Transport>> Transport::make(std::string name, const config::Main& main, int process_limit) {
  std::unique_ptr<Transport> transport(new Transport(std::move(name), process_limit));
  DestinationLimits& limits = transport->limits_;
  const std::string& service = transport->name_;
  limits.initial_concurrency = TRY(main.integer(service + "_initial_destination_concurrency"));
  limits.concurrency_limit = TRY(main.integer(service + "_destination_concurrency_limit"));
  limits.recipient_limit = TRY(main.integer(service + "_destination_recipient_limit"));
  limits.failed_cohort_limit = TRY(main.integer(service + "_destination_concurrency_failed_cohort_limit"));
  limits.positive = TRY(feedback(main, service + "_destination_concurrency_positive_feedback"));
  limits.negative = TRY(feedback(main, service + "_destination_concurrency_negative_feedback"));
  limits.rate_delay = TRY(main.time(service + "_destination_rate_delay"));
  if (limits.concurrency_limit > 0) {
    limits.initial_concurrency = std::min(limits.initial_concurrency, limits.concurrency_limit);
  }
  return transport;
}

Destination& Transport::destination(const std::string& nexthop, const std::string& recipient) {
  const std::string& name = limits_.recipient_limit == 1 ? recipient : nexthop;
  const auto found = destinations_.find(name);
  if (found != destinations_.end()) return *found->second;
  return *destinations_.emplace(name, std::make_unique<Destination>(name, nexthop, limits_)).first->second;
}

void Transport::add(Destination& destination, Batch batch) {
  if (!destination.is_in_line()) in_line_.push_back(&destination);
  destination.set_in_line(true);
  destination.add(std::move(batch));
}

Destination* Transport::next_ready(Deadline now) {
  if (is_suspended(now) || (process_limit_ > 0 && busy_ >= process_limit_)) return nullptr;
  for (std::size_t looked_at = in_line_.size(); looked_at > 0; --looked_at) {
    Destination* const destination = in_line_.front();
    in_line_.pop_front();
    if (!destination->has_waiting()) {  // all is taken; or it died, and what waited was deferred
      destination->set_in_line(false);
      continue;
    }
    in_line_.push_back(destination);
    if (destination->may_start(now)) return destination;
  }
  return nullptr;
}

void Transport::started(Destination& destination, Deadline now) {
  ++busy_;
  destination.started(now);
}

void Transport::ended(Destination& destination, Deadline now) {
  --busy_;
  destination.ended();
  const auto is_over = [now](const Destination& one) { return one.is_idle(now) && !one.is_in_line(); };
  if (is_over(destination)) destinations_.erase(destination.name());
  // A destination that was dead, paced or in line at the end of its last delivery hears of no other end.
  if (destinations_.size() < tidy_at_) return;
  std::erase_if(destinations_, [&](const auto& entry) { return is_over(*entry.second); });
  tidy_at_ = std::max(tidy_minimum, destinations_.size() * 2);
}

Deadline Transport::next_start(Deadline now) const {
  Deadline soonest = base::no_deadline;
  for (const Destination* const destination : in_line_) {
    if (destination->next_start() > now) soonest = std::min(soonest, destination->next_start());
  }
  return suspended_until_ > now && !in_line_.empty() ? std::min(soonest, suspended_until_) : soonest;
}

std::vector<Batch> Transport::take_all() {
  std::vector<Batch> all;
  for (Destination* const destination : in_line_) {
    for (Batch& batch : destination->take_all()) all.push_back(std::move(batch));
  }
  return all;
}

void Transport::revive() {
  suspended_until_ = {};
  for (auto& [name, destination] : destinations_) destination->revive();
}

void Transport::revive(const std::string& nexthop, const std::string& recipient) {
  suspended_until_ = {};
  destination(nexthop, recipient).revive();
}

}  // namespace qmgr
