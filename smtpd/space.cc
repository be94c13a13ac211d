#include "smtpd/space.h"

#include <fmt/core.h>
#include <sys/statvfs.h>

namespace smtpd {

std::optional<std::string> missing_queue_space(long minfree, long message_size_limit, std::uint64_t size) {
  struct statvfs space {};
  if (statvfs(".", &space) != 0) return std::nullopt;  // cleanup will know
  const std::uint64_t free = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
  const auto min = static_cast<std::uint64_t>(minfree);
  const bool is_below_minimum = min > 0 && (free < min || free - min < size);
  if (!is_below_minimum && free / 3 * 2 >= static_cast<std::uint64_t>(message_size_limit)) return std::nullopt;
  // The words are Postfix's for either reason, as log tools know them.
  return fmt::format("not enough free space in mail queue: {} bytes < 1.5*message size limit", free);
}

}  // namespace smtpd
