#include "qmgr/job.h"

#include <algorithm>

namespace qmgr {
namespace {

constexpr std::uint64_t parts = 32;   // of the room before a rank, the first of which is taken

}  // namespace

Rank Rank::before(const Rank& previous) const {
  const std::uint64_t least = previous.message == message ? previous.place : 0;
  const std::uint64_t room = place - least;
  if (room < 2) return *this;
  return {message, least + std::max<std::uint64_t>(1, room / parts)};
}

bool Slots::may_lend(std::int64_t waiting, const SlotLimits& limits) const {
  return limits.cost >= 2 && chosen_ > lent_ && (chosen_ + waiting) / limits.cost >= limits.minimum;
}

std::int64_t Slots::most(std::int64_t waiting, const SlotLimits& limits) const {
  return (chosen_ - lent_ + waiting) / limits.cost;
}

bool Slots::has(std::int64_t deliveries, const SlotLimits& limits) const {
  const std::int64_t wanted = deliveries * limits.cost * (100 - limits.discount) - limits.loan * limits.cost * std::int64_t{100};
  return (chosen_ - lent_) * 100 >= wanted;
}

}  // namespace qmgr
