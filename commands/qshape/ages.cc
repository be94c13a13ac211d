#include "commands/qshape/ages.h"

#include <algorithm>

#include <fmt/format.h>

namespace qshape {

Ages::Ages(std::size_t count, double first, Scale scale) {
  double limit = 0;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    limit = i == 0 || scale == Scale::linear ? limit + first : limit * 2;
    limits_.push_back(limit);
    titles_.push_back(fmt::format("{:.15g}", limit));
  }
  titles_.push_back(fmt::format("{:.15g}+", limit));
}

std::size_t Ages::column(std::chrono::seconds age) const {
  constexpr double seconds_per_minute = 60;
  const double minutes = static_cast<double>(age.count()) / seconds_per_minute;
  return static_cast<std::size_t>(std::ranges::upper_bound(limits_, minutes) - limits_.begin());
}

}  // namespace qshape
