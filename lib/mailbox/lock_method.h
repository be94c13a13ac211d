#pragma once
// How a mailbox file is locked: the value of mailbox_delivery_lock and virtual_mailbox_lock.

#include <chrono>
#include <string_view>

#include "lib/base/error.h"

namespace mailbox {

struct LockMethods {
  bool fcntl = false;
  bool flock = false;
  bool dotlock = false;
};

// "fcntl, dotlock". The error names the word that is none.
[[nodiscard]] Result<LockMethods> parse_lock_methods(std::string_view value);

// How long to try: deliver_lock_attempts, deliver_lock_delay, stale_lock_time.
struct LockPatience {
  int attempts = 20;
  std::chrono::seconds delay{1};
  std::chrono::seconds stale{500};
  [[nodiscard]] std::chrono::milliseconds total() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(delay) * (attempts > 1 ? attempts - 1 : 0);
  }
};

}  // namespace mailbox
