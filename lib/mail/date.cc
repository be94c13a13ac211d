#include "lib/mail/date.h"

#include <array>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

namespace mail {
namespace {

constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string rfc5322_date(Stamp stamp) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(stamp);
  std::tm local{};
  localtime_r(&seconds, &local);
  const long minutes = std::labs(local.tm_gmtoff) / 60;
  std::string text = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} {}{:02}{:02}",
                                 days[static_cast<std::size_t>(local.tm_wday)], local.tm_mday,
                                 months[static_cast<std::size_t>(local.tm_mon)], local.tm_year + 1900, local.tm_hour,
                                 local.tm_min, local.tm_sec, local.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
  if (local.tm_zone != nullptr && *local.tm_zone != '\0') text += fmt::format(" ({})", local.tm_zone);
  return text;
}

}  // namespace mail
