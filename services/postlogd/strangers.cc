#include "services/postlogd/strangers.h"

#include "lib/log/log.h"

namespace postlogd {

bool Strangers::may_log(uid_t account, std::chrono::steady_clock::time_point now) {
  if (now - begin_ >= std::chrono::seconds(1)) {
    tell();
    begin_ = now;
  }
  if (account == 0 || account == own_) return true;
  return ++lines_[account] <= lines_per_second;
}

void Strangers::tell() {
  for (const auto& [account, lines] : lines_) {
    if (lines > lines_per_second) {
      maillog::warning("{} lines of uid {} are left out: more than {} in a second", lines - lines_per_second, account, lines_per_second);
    }
  }
  lines_.clear();
}

}  // namespace postlogd
