#pragma once
// The Date field (RFC 5322 section 3.3 and its obsolete forms), as SEARCH, SORT and THREAD read it.

#include <chrono>
#include <optional>
#include <string_view>

namespace message {

struct SentDate {
  std::chrono::sys_seconds time;         // the moment, for SORT and THREAD
  std::chrono::minutes zone;             // east of Greenwich
  // SENTBEFORE, SENTON and SENTSINCE look at the day that the sender wrote, not at the moment (RFC 3501 section 6.4.4).
  [[nodiscard]] std::chrono::sys_days day() const { return std::chrono::floor<std::chrono::days>(time + zone); }
};

// None when it is no date, or one before 1970. SORT and THREAD then go by INTERNALDATE, and Dovecot's SENTBEFORE finds the message,
// whatever the day.
[[nodiscard]] std::optional<SentDate> parse_sent_date(std::string_view value);

}  // namespace message
