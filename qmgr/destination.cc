#include "qmgr/destination.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "lib/base/check.h"

namespace qmgr {

Feedback Feedback::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const double numerator = std::strtod(std::string(text.substr(0, slash)).c_str(), nullptr);
  if (slash == std::string_view::npos) return {numerator, Scale::fixed};
  const std::string below(text.substr(slash + 1));
  const std::size_t first = below.find_first_not_of(' ');
  const std::string_view word = first == std::string::npos ? std::string_view() : std::string_view(below).substr(first);
  if (word.starts_with("concurrency")) return {numerator, Scale::inverse};
  if (word.starts_with("sqrt_concurrency")) return {numerator, Scale::inverse_square_root};
  const double denominator = std::strtod(below.c_str(), nullptr);
  return {denominator > 0 ? numerator / denominator : numerator, Scale::fixed};
}

double Feedback::at(double window) const {
  switch (scale) {
    case Scale::fixed: return amount;
    case Scale::inverse: return amount / window;
    case Scale::inverse_square_root: return amount / std::sqrt(window);
  }
  return amount;
}

Batch Destination::take() {
  CHECK(!waiting_.empty());
  Batch batch = std::move(waiting_.front());
  waiting_.pop_front();
  return batch;
}

bool Destination::may_start(Deadline now) const {
  if (waiting_.empty() || is_dead(now) || now < next_start_) return false;
  const double window = was_dead() ? limits_.initial_concurrency : window_;
  return limits_.rate_delay.count() > 0 ? busy_ == 0 : busy_ < std::max(1, static_cast<int>(window));
}

void Destination::started(Deadline now) {
  if (was_dead()) revive();
  ++busy_;
  if (limits_.rate_delay.count() > 0) next_start_ = now + limits_.rate_delay;
}

void Destination::succeeded() {
  failed_cohorts_ = 0;
  dead_until_ = {};
  // The window grows only as far as it is used.
  if (limits_.concurrency_limit > 0 && window_ >= limits_.concurrency_limit) return;
  if (window_ <= busy_ + limits_.initial_concurrency) window_ += limits_.positive.at(window_);
  if (limits_.concurrency_limit > 0) window_ = std::min(window_, static_cast<double>(limits_.concurrency_limit));
}

bool Destination::failed(Deadline now, std::chrono::seconds dead_time, std::string status, std::string reason) {
  failed_cohorts_ += 1 / std::max(1.0, window_);
  window_ = std::max(1.0, window_ - limits_.negative.at(window_));
  // A hair less than the limit, since the sum of fractions is not exact.
  if (limits_.failed_cohort_limit <= 0 || failed_cohorts_ < limits_.failed_cohort_limit * 0.999) return false;
  dead_until_ = now + dead_time;
  dead_status_ = std::move(status);
  dead_reason_ = std::move(reason);
  return true;
}

void Destination::revive() {
  dead_until_ = {};
  failed_cohorts_ = 0;
  window_ = limits_.initial_concurrency;
}

}  // namespace qmgr
