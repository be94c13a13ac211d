#pragma once
// Appending one message to a file in mbox form: a user's mailbox, or a file named in an alias or .forward.

#include <cstdint>
#include <string>

#include "lib/mailbox/content.h"
#include "lib/mailbox/dotlock.h"
#include "lib/mailbox/lock_method.h"
#include "lib/mailbox/open_file.h"
#include "lib/mailbox/outcome.h"

namespace mailbox {

struct MboxTarget {
  std::string path;
  OpenRules rules;
  LockMethods locks;
  LockPatience patience;
  bool need_dotlock = true;     // a mailbox; for other files a lock that cannot be made is only a warning
  std::int64_t size_limit = 0;  // of the file after the delivery; 0: none
  // Nobody has tried to deliver this message before. When the mailbox ends with it, that is for another of its recipients, who
  // has the same bytes (one address twice in an envelope, with different words for notices).
  bool first_try = false;
};

// Blocks. When the Outcome is a success the message is on disk, whole and once; in every other case the file is as long
// as it was. The content is to be of Format::mbox.
[[nodiscard]] Outcome append_to_mbox(const MboxTarget& target, Content& content, const LockHolder& self);

}  // namespace mailbox
