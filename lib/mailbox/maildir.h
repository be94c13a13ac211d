#pragma once
// Delivery to a Maildir: a file per message (maildir_draft.h), which gets its name in new/. What an attempt that died has left in tmp/ is nobody's mail; readers remove it after 36 hours.

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "lib/base/deadline.h"
#include "lib/mailbox/content.h"
#include "lib/mailbox/outcome.h"
#include "lib/mailbox/quota_rule.h"

namespace mailbox {

struct MaildirTarget {
  std::string path;             // without the '/' at its end
  std::string below;            // not empty: `path` is below this directory and stays there (open_file.h)
  std::string host;             // $myhostname, the end of file names
  std::int64_t size_limit = 0;  // of one message; 0: none
  bool names_sizes = false;     // maildir_name_sizes: S= and W= in the file's name
  QuotaRule quota;
};

// Blocks. Makes the directories that are missing (0700). When the Outcome is a success the message is on disk under its
// name in new/. The reason says "create maildir file PATH/tmp/NAME: Permission denied". The content is to be of
// Format::maildir.
[[nodiscard]] Outcome deliver_to_maildir(const MaildirTarget& target, Content& content,
                                         const base::Clock& clock = base::system_clock());

// Whether a message of so many bytes would have room, by the target's quota. Delivers nothing.
[[nodiscard]] Outcome check_room(const MaildirTarget& target, std::int64_t bytes);

// "SECONDS.VdeviceIinodeMmicroseconds.HOST", device and inode in hexadecimal: unique on this host.
[[nodiscard]] std::string maildir_name(Stamp now, dev_t device, ino_t inode, std::string_view host);

}  // namespace mailbox
