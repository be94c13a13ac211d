#pragma once
// The types of parameter values, with Postfix's words for what is wrong. `record` gives the limits; none means none.

#include <chrono>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/config/record.h"

namespace config {

// "yes" or "no" in any case.
[[nodiscard]] Result<bool> parse_boolean(std::string_view name, std::string_view text);

// A decimal number of at most `max`.
[[nodiscard]] Result<long> parse_integer(const Record* record, std::string_view name, std::string_view text, long max);

// A number with a unit: seconds, minutes, hours, days or weeks. A bare number has the record's unit.
[[nodiscard]] Result<std::chrono::seconds> parse_time(const Record* record, std::string_view name, std::string_view text);

[[nodiscard]] Result<std::string> check_length(const Record* record, std::string_view name, std::string text);

}  // namespace config
