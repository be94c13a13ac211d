#include "lib/imap/sequence_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "lib/base/ascii.h"

namespace imap {
namespace {

constexpr std::uint32_t star = 0;

base::Failure invalid() { return base::fail("Invalid messageset"); }

void append_range(std::string& out, Range range) {
  if (!out.empty()) out += ',';
  fmt::format_to(std::back_inserter(out), "{}", range.first);
  if (range.last != range.first) fmt::format_to(std::back_inserter(out), ":{}", range.last);
}

std::optional<std::uint32_t> number_at(std::string_view text) {
  if (text == "*") return star;
  if (text.empty() || text.front() == '0') return std::nullopt;   // nz-number
  const auto number = ascii::parse_number(text, UINT32_MAX);
  return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

}  // namespace

NumberSet NumberSet::of(std::vector<Range> ranges) {
  for (Range& range : ranges) {
    if (range.first > range.last) std::swap(range.first, range.last);
  }
  const auto is_before = [](const Range& a, const Range& b) { return a.first < b.first; };
  if (!std::ranges::is_sorted(ranges, is_before)) std::ranges::sort(ranges, is_before);
  NumberSet set;
  for (const Range range : ranges) {
    if (!set.ranges_.empty() && range.first <= std::uint64_t{set.ranges_.back().last} + 1) {
      set.ranges_.back().last = std::max(set.ranges_.back().last, range.last);
    } else {
      set.ranges_.push_back(range);
    }
  }
  return set;
}

std::uint64_t NumberSet::count() const {
  std::uint64_t count = 0;
  for (const Range range : ranges_) count += std::uint64_t{range.last} - range.first + 1;
  return count;
}

bool NumberSet::contains(std::uint32_t number) const {
  const auto at = std::ranges::lower_bound(ranges_, number, {}, &Range::last);
  return at != ranges_.end() && at->first <= number;
}

void NumberSet::add(Range range) {
  if (ranges_.empty() || range.first > std::uint64_t{ranges_.back().last} + 1) {
    ranges_.push_back(range);
    return;
  }
  if (range.first >= ranges_.back().first) {
    ranges_.back().last = std::max(ranges_.back().last, range.last);
    return;
  }
  // The ranges that the new one meets or touches become one with it.
  const auto begin = std::ranges::lower_bound(ranges_, std::uint64_t{range.first}, {}, [](const Range& it) { return std::uint64_t{it.last} + 1; });
  auto end = begin;
  for (; end != ranges_.end() && end->first <= std::uint64_t{range.last} + 1; ++end) {
    range = {std::min(range.first, end->first), std::max(range.last, end->last)};
  }
  if (begin == end) {
    ranges_.insert(begin, range);
  } else {
    *begin = range;
    ranges_.erase(begin + 1, end);
  }
}

NumberSet NumberSet::within(const NumberSet& other) const {
  NumberSet both;
  for (auto a = ranges_.begin(), b = other.ranges_.begin(); a != ranges_.end() && b != other.ranges_.end();) {
    const Range common{std::max(a->first, b->first), std::min(a->last, b->last)};
    if (common.first <= common.last) both.ranges_.push_back(common);
    if (a->last < b->last) ++a;
    else ++b;
  }
  return both;
}

NumberSet NumberSet::without(const NumberSet& other) const {
  NumberSet rest;
  auto b = other.ranges_.begin();
  for (Range range : ranges_) {
    while (b != other.ranges_.end() && b->last < range.first) ++b;
    bool is_gone = false;
    for (auto at = b; at != other.ranges_.end() && at->first <= range.last; ++at) {
      if (at->first > range.first) rest.ranges_.push_back({range.first, at->first - 1});
      is_gone = at->last >= range.last;
      if (is_gone) break;
      range.first = at->last + 1;
      b = at;
    }
    if (!is_gone) rest.ranges_.push_back(range);
  }
  return rest;
}

std::string NumberSet::text() const {
  std::string out;
  for (const Range range : ranges_) append_range(out, range);
  return out;
}

std::string ordered_text(std::span<const std::uint32_t> numbers) {
  std::string out;
  for (std::size_t i = 0; i < numbers.size();) {
    Range range{.first = numbers[i], .last = numbers[i]};
    while (++i < numbers.size() && numbers[i] == range.last + 1) ++range.last;
    append_range(out, range);
  }
  return out;
}

Result<SequenceSet> SequenceSet::parse(std::string_view text) {
  SequenceSet set;
  if (text == "$") {
    set.is_saved_result_ = true;
    return set;
  }
  for (bool has_more = true; has_more;) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    has_more = comma != std::string_view::npos;
    if (has_more) text.remove_prefix(comma + 1);
    const std::size_t colon = part.find(':');
    const auto first = number_at(part.substr(0, colon));
    const auto last = colon == std::string_view::npos ? first : number_at(part.substr(colon + 1));
    if (!first || !last) return invalid();
    if (set.ranges_.size() == ranges_limit) return base::fail("Too many message ranges");
    set.ranges_.push_back({*first, *last});
    set.largest_named_ = std::max({set.largest_named_, *first, *last});
  }
  return set;
}

bool SequenceSet::has_star() const {
  return std::ranges::any_of(ranges_, [](const Range& range) { return range.first == star || range.last == star; });
}

NumberSet SequenceSet::resolve(std::uint32_t largest) const {
  std::vector<Range> ranges;
  ranges.reserve(ranges_.size());
  for (Range range : ranges_) {
    if (range.first == star) range.first = largest;
    if (range.last == star) range.last = largest;
    if (range.first != 0 && range.last != 0) ranges.push_back(range);
  }
  return NumberSet::of(std::move(ranges));
}

}  // namespace imap
