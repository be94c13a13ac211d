#include "lib/config/value.h"

#include <climits>
#include <optional>

#include <fmt/core.h>

#include "lib/base/ascii.h"

namespace config {

using base::fail;

Result<bool> parse_boolean(std::string_view name, std::string_view text) {
  if (ascii::equal_ignoring_case(text, "yes")) return true;
  if (ascii::equal_ignoring_case(text, "no")) return false;
  return fail(fmt::format("bad boolean configuration: {} = {}", name, text));
}

Result<long> parse_integer(const Record* record, std::string_view name, std::string_view text, long max) {
  const bool negative = text.starts_with('-');
  const auto digits = ascii::parse_number(negative ? text.substr(1) : text, static_cast<std::uint64_t>(max));
  if (!digits) return fail(fmt::format("bad numerical configuration: {} = {}", name, text));
  const long value = negative ? -static_cast<long>(*digits) : static_cast<long>(*digits);
  if (record != nullptr && value < record->min) {
    return fail(fmt::format("invalid {} parameter value {} < {}", name, value, record->min));
  }
  if (record != nullptr && record->max > 0 && value > record->max) {
    return fail(fmt::format("invalid {} parameter value {} > {}", name, value, record->max));
  }
  return value;
}

namespace {

std::optional<std::uint64_t> seconds_in(char unit) {
  switch (unit) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 60 * 60;
    case 'd': return 24 * 60 * 60;
    case 'w': return 7 * 24 * 60 * 60;
    default: return std::nullopt;
  }
}

}  // namespace

Result<std::chrono::seconds> parse_time(const Record* record, std::string_view name, std::string_view text) {
  std::string_view digits = text;
  char unit = record != nullptr ? record->unit : 's';
  if (!digits.empty() && !ascii::is_digit(digits.back())) {
    unit = digits.back();
    digits.remove_suffix(1);
  }
  const auto factor = seconds_in(unit);
  // Sums of a few such times must fit an int, as peers and files have them.
  const auto number = factor ? ascii::parse_number(digits, INT_MAX / *factor) : std::nullopt;
  if (!number) return fail(fmt::format("parameter {}: bad time value or unit: {}", name, text));
  const auto value = static_cast<std::int64_t>(*number * *factor);
  if (record != nullptr && value < record->min) return fail(fmt::format("invalid {}: {} (min {})", name, value, record->min));
  if (record != nullptr && record->max > 0 && value > record->max) {
    return fail(fmt::format("invalid {}: {} (max {})", name, value, record->max));
  }
  return std::chrono::seconds(value);
}

Result<std::string> check_length(const Record* record, std::string_view name, std::string text) {
  const auto size = static_cast<std::int64_t>(text.size());
  if (record != nullptr && size < record->min) {
    return fail(fmt::format("bad string length {} < {}: {} = {}", size, record->min, name, text));
  }
  if (record != nullptr && record->max > 0 && size > record->max) {
    return fail(fmt::format("bad string length {} > {}: {} = {}", size, record->max, name, text));
  }
  return text;
}

}  // namespace config
