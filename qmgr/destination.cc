#include "qmgr/destination.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace qmgr {

namespace {

// A number as "1", "0.5" or ".5"; nothing when there is anything else.
std::optional<double> parse_amount(std::string_view text) {
  double amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !(amount >= 0)) return std::nullopt;  // nan, too
  return amount;
}

}  // namespace

std::optional<Feedback> Feedback::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto above = parse_amount(ascii::trim(text.substr(0, slash)));
  if (!above) return std::nullopt;
  Feedback feedback{*above, Scale::fixed};
  if (slash != std::string_view::npos) {
    const std::string_view below = ascii::trim(text.substr(slash + 1));
    if (below == "concurrency") {
      feedback.scale = Scale::inverse;
    } else if (below == "sqrt_concurrency") {
      feedback.scale = Scale::inverse_square_root;
    } else {
      const auto denominator = parse_amount(below);
      if (!denominator || *denominator == 0) return std::nullopt;
      feedback.amount /= *denominator;
    }
  }
  if (feedback.amount > 1) return std::nullopt;
  return feedback;
}

double Feedback::at(int window) const {
  switch (scale) {
    case Scale::fixed: return amount;
    case Scale::inverse: return amount / window;
    case Scale::inverse_square_root: return amount / std::sqrt(window);
  }
  return amount;
}

bool Destination::may_start(Deadline now) const {
  if (now < next_start()) return false;
  const int window = was_dead() ? limits_.initial_concurrency : window_;
  return limits_.rate_delay.count() > 0 ? busy_ == 0 : busy_ < window;
}

void Destination::started() {
  if (was_dead()) revive();
  ++busy_;
}

void Destination::ended(Deadline now) {
  --busy_;
  if (limits_.rate_delay.count() > 0) next_start_ = now + limits_.rate_delay;
}

void Destination::succeeded() {
  failed_cohorts_ = 0;
  dead_until_ = {};
  const auto is_full = [this] { return limits_.concurrency_limit > 0 && window_ >= limits_.concurrency_limit; };
  // The window grows only as far as it is used.
  if (is_full() || window_ > busy_ + limits_.initial_concurrency) return;
  const double amount = limits_.positive.at(window_);
  success_ += amount;
  while (success_ + amount / 2 >= 1 && !is_full()) {
    ++window_;
    success_ -= 1;
    failure_ = 0;
  }
}

bool Destination::failed(Deadline now, std::chrono::seconds dead_time, std::string status, std::string reason) {
  failed_cohorts_ += 1.0 / window_;
  if (const double amount = limits_.negative.at(window_); window_ > 1) {
    failure_ -= amount;
    while (failure_ - amount / 2 < 0 && window_ > 1) {
      --window_;
      failure_ += 1;
      success_ = 0;
    }
  }
  // A hair less than the limit, since the sum of fractions is not exact.
  if (limits_.failed_cohort_limit <= 0 || failed_cohorts_ < limits_.failed_cohort_limit * 0.999) return false;
  dead_until_ = now + dead_time;
  dead_status_ = std::move(status);
  dead_reason_ = std::move(reason);
  return true;
}

std::string Destination::state() const {
  return fmt::format("queue {}: limit {} window {} success {:g} failure {:g} fail_cohorts {:g}", nexthop_, limits_.concurrency_limit, window_,
                     success_, failure_, failed_cohorts_);
}

void Destination::revive() {
  dead_until_ = {};
  failed_cohorts_ = 0;
  window_ = limits_.initial_concurrency;
  success_ = failure_ = 0;
}

}  // namespace qmgr
