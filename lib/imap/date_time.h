#pragma once
// Dates as IMAP has them (RFC 9051: date, date-time).

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"

namespace imap {

// A point in time, and the zone in which it was or is to be written.
struct DateTime {
  std::chrono::sys_seconds time;
  std::chrono::minutes zone{0};   // east of Greenwich
  bool operator==(const DateTime&) const = default;
};

// "17-Jul-1996 02:44:25 -0700"; the day may be " 7". None for what is no such date.
[[nodiscard]] std::optional<DateTime> parse_date_time(std::string_view text);
// The day has two digits: "07-Jul-1996 02:44:25 -0700".
[[nodiscard]] std::string date_time_text(const DateTime& date);
// In the local zone, which is read at the first use in the process.
[[nodiscard]] DateTime local_date_time(Stamp stamp);

// "1-Feb-1994" or "01-Feb-1994", a day without time and zone. A day that the month has not is one of the next month, as for
// Dovecot: clients compute so.
[[nodiscard]] std::optional<std::chrono::sys_days> parse_date(std::string_view text);

}  // namespace imap
