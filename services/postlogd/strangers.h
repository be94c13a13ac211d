#pragma once
// How much accounts that are no part of the mail system may log. The socket is for everybody, since sendmail(1) and postdrop(1) log as
// who calls them; they write a line or two.

#include <chrono>
#include <cstddef>
#include <map>

#include <sys/types.h>

namespace postlogd {

inline constexpr std::size_t lines_per_second = 500;   // of each account

class Strangers {
 public:
  // Root's lines and those of `own`, the account of the mail system, are not counted.
  explicit Strangers(uid_t own) : own_(own) {}

  // Whether this account may log one more line. What was left out is told in the log when its second is over.
  [[nodiscard]] bool may_log(uid_t account, std::chrono::steady_clock::time_point now);
  // Tells what has not been told yet.
  void tell();

 private:
  uid_t own_;
  std::chrono::steady_clock::time_point begin_;   // of the second that is counted
  std::map<uid_t, std::size_t> lines_;
};

}  // namespace postlogd
