#include "qmgr/clock_jumps.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace qmgr {
namespace {

// What is less is a clock that is being set right little by little.
constexpr Stamp::duration smallest_jump = std::chrono::minutes(1);
constexpr int drift = 1000;                 // parts of the time that has passed, of which one may be the clock's error
constexpr std::size_t jumps_limit = 16;     // older ones are forgotten

template <class Duration>
std::int64_t microseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

std::optional<Stamp::duration> parse_micros(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  constexpr std::int64_t limit = std::int64_t{1} << 52;  // a hundred years
  if (error != std::errc() || end != text.data() + text.size() || count > limit || count < -limit) return std::nullopt;
  return std::chrono::duration_cast<Stamp::duration>(std::chrono::microseconds(count));
}

bool is_jump(Stamp::duration by) { return std::chrono::abs(by) > smallest_jump; }

// The most of it, at least: a small correction later is a jump of its own.
bool takes_back(Stamp::duration by, Stamp::duration earlier) {
  const bool is_opposite = (by > Stamp::duration::zero()) != (earlier > Stamp::duration::zero());
  return is_opposite && std::chrono::abs(by) > std::chrono::abs(earlier) / 2;
}

}  // namespace

void ClockJumps::look(Stamp wall, Deadline steady) {
  const auto passed = std::chrono::duration_cast<Stamp::duration>(steady - steady_);
  const Stamp::duration by = wall - wall_ - passed;
  wall_ = wall;
  steady_ = steady;
  if (!is_jump(by) || std::chrono::abs(by) <= passed / drift) return;
  if (!jumps_.empty() && takes_back(by, jumps_.back().by)) {
    jumps_.back() = {wall, jumps_.back().by + by};
    if (!is_jump(jumps_.back().by)) jumps_.pop_back();
    return;
  }
  if (jumps_.size() == jumps_limit) jumps_.erase(jumps_.begin());
  jumps_.push_back({wall, by});
}

std::string ClockJumps::saved(std::string_view boot) const {
  std::string out = fmt::format("{} {} {}\n", boot, microseconds(wall_.time_since_epoch()), microseconds(steady_.time_since_epoch()));
  for (const Jump& jump : jumps_) out += fmt::format("{} {}\n", microseconds(jump.after.time_since_epoch()), microseconds(jump.by));
  return out;
}

ClockJumps ClockJumps::restored(std::string_view saved, std::string_view boot, Stamp wall, Deadline steady) {
  ClockJumps jumps(wall, steady);
  const auto lines = ascii::split(saved, "\n");
  const auto head = lines.empty() ? std::vector<std::string_view>() : ascii::split(lines.front(), " ");
  if (head.size() != 3) return jumps;
  const auto wall_before = parse_micros(head[1]), steady_before = parse_micros(head[2]);
  if (!wall_before || !steady_before) return jumps;
  for (std::size_t i = 1; i < lines.size() && i <= jumps_limit; ++i) {
    const auto words = ascii::split(lines[i], " ");
    if (words.size() != 2) break;
    const auto after = parse_micros(words[0]), by = parse_micros(words[1]);
    if (!after || !by) break;
    jumps.jumps_.push_back({Stamp(*after), *by});
  }
  jumps.wall_ = Stamp(*wall_before);
  const Deadline before{std::chrono::duration_cast<Deadline::duration>(*steady_before)};
  if (head[0] == boot && before <= steady) jumps.steady_ = before;
  jumps.look(wall, steady);
  return jumps;
}

Stamp::duration ClockJumps::age(Stamp arrived) const {
  Stamp::duration age = wall_ - arrived;
  for (const Jump& jump : jumps_) {
    if (jump.by > Stamp::duration::zero() && arrived <= jump.after - jump.by) age -= jump.by;
  }
  return age;
}

}  // namespace qmgr
