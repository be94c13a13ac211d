#pragma once
// How a delivery to a file or command ended, as the worker that did it tells: the agent puts its own words in front of
// `reason` and decides about the mail.

#include <cstdint>
#include <string>
#include <vector>

#include "lib/mail/dsn.h"

namespace mailbox {

struct Outcome {
  mail::Dsn dsn;                      // 2.0.0: the message is on disk, or the command took it
  std::string reason;                 // why not; empty after success
  std::vector<std::string> warnings;  // for the log: the worker has no way to it
  std::int64_t begins = 0;            // of a message in mbox form: its offset

  [[nodiscard]] bool ok() const { return dsn.is_success(); }
};

// What the errno of a failed open, lock or write means for the mail: 5.2.2 when the mailbox is full, 4.2.0 for what may
// pass by itself (disk full, out of descriptors, a device that fails, a lock that is held), 5.2.0 for what stays until
// somebody changes the mailbox.
[[nodiscard]] mail::Dsn dsn_of(int code);

// "what: Permission denied", judged by dsn_of().
[[nodiscard]] Outcome failed(int code, std::string_view what);

}  // namespace mailbox
