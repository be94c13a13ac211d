#include "lib/imap/date_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include <time.h>

#include "lib/base/ascii.h"

namespace imap {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr int year_max = 9999;

// Takes `count` digits off `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  const auto number = ascii::parse_number(text.substr(0, count), year_max);
  text.remove_prefix(count);
  return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// "1-Feb-1994", "01-Feb-1994".
std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
  const auto day = take_digits(text, text.size() > 1 && text[1] == '-' ? 1 : 2);
  if (!day || !take(text, '-') || text.size() < 3) return std::nullopt;
  const auto month = std::ranges::find_if(months, [&](std::string_view name) { return ascii::equal_ignoring_case(name, text.substr(0, 3)); });
  text.remove_prefix(3);
  if (month == months.end() || !take(text, '-')) return std::nullopt;
  const auto year = take_digits(text, 4);
  if (!year) return std::nullopt;
  if (*day < 1 || *day > 31) return std::nullopt;
  const auto first = std::chrono::year(*year) / static_cast<int>(month - months.begin() + 1) / 1;
  return std::chrono::sys_days(first) + std::chrono::days(*day - 1);
}

// "-0700".
std::optional<minutes> take_zone(std::string_view& text) {
  const bool is_west = text.starts_with('-');
  if (!take(text, is_west ? '-' : '+')) return std::nullopt;
  const auto hours = take_digits(text, 2), rest = take_digits(text, 2);
  if (!hours || !rest || *hours > 23 || *rest > 59) return std::nullopt;
  const minutes zone(*hours * 60 + *rest);
  return is_west ? -zone : zone;
}

}  // namespace

std::optional<std::chrono::sys_days> parse_date(std::string_view text) {
  const auto date = take_date(text);
  return text.empty() ? date : std::nullopt;
}

std::optional<DateTime> parse_date_time(std::string_view text) {
  if (text.starts_with(' ')) text.remove_prefix(1);
  const auto date = take_date(text);
  if (!date || !take(text, ' ')) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!take(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60 || !take(text, ' ')) return std::nullopt;
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  return DateTime{.time = *date + std::chrono::hours(*hour) + minutes(*minute) + seconds(*second) - *zone, .zone = *zone};
}

std::string date_time_text(const DateTime& date) {
  const auto local = date.time + date.zone;
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day ymd(day);
  const auto second = (local - day).count();
  const auto zone = std::abs(date.zone.count());
  return fmt::format("{:02}-{}-{:04} {:02}:{:02}:{:02} {}{:02}{:02}", static_cast<unsigned>(ymd.day()), months[static_cast<unsigned>(ymd.month()) - 1],
                     static_cast<int>(ymd.year()), second / 3600, second / 60 % 60, second % 60, date.zone.count() < 0 ? '-' : '+', zone / 60, zone % 60);
}

DateTime local_date_time(Stamp stamp) {
  const auto time = std::chrono::floor<seconds>(stamp);
  const std::time_t value = std::chrono::system_clock::to_time_t(time);
  std::tm local{};
  ::localtime_r(&value, &local);
  return {.time = time, .zone = minutes(local.tm_gmtoff / 60)};
}

}  // namespace imap
