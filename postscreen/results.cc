#include "postscreen/results.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lib/base/ascii.h"

namespace postscreen {

std::optional<Results> Results::parse(std::string_view text) {
  const std::vector<std::string_view> parts = ascii::split(text, ";");
  if (parts.size() != test_count) return std::nullopt;
  Results out;
  for (std::size_t i = 0; i < test_count; ++i) {
    const auto number = ascii::parse_number(parts[i], INT64_MAX);
    if (!number) return std::nullopt;
    out.until_[i] = static_cast<std::int64_t>(*number);
  }
  return out;
}

std::string Results::text() const { return fmt::format("{}", fmt::join(until_, ";")); }

TestSet Results::due(TestSet enabled, std::int64_t now) const {
  TestSet out;
  for (const Test test : all_tests) {
    if (enabled.has(test) && until(test) < now) out.add(test);
  }
  return out;
}

bool Results::is_old(TestSet enabled) const {
  return std::ranges::none_of(all_tests, [&](Test test) { return enabled.has(test) && until(test) == never; });
}

std::int64_t Results::last() const { return *std::ranges::max_element(until_); }

}  // namespace postscreen
