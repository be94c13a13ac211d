#pragma once
// Delivery to a Maildir: a file per message, written in tmp/ and given its name in new/ when it is whole and on disk.
// What an attempt that died has left in tmp/ is nobody's mail; readers remove it after 36 hours.

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "lib/base/deadline.h"
#include "lib/base/fd.h"
#include "lib/mailbox/content.h"
#include "lib/mailbox/outcome.h"

namespace mailbox {

struct MaildirTarget {
  std::string path;             // without the '/' at its end
  std::string below;            // not empty: `path` is below this directory and stays there (open_file.h)
  std::string host;             // $myhostname, the end of file names
  std::int64_t size_limit = 0;  // of one message; 0: none
};

// Blocks. Makes the directories that are missing (0700). When the Outcome is a success the message is on disk under its
// name in new/. The reason says "create maildir file PATH/tmp/NAME: Permission denied". The content is to be of
// Format::maildir.
[[nodiscard]] Outcome deliver_to_maildir(const MaildirTarget& target, Content& content,
                                         const base::Clock& clock = base::system_clock());

// "SECONDS.VdeviceIinodeMmicroseconds.HOST", device and inode in hexadecimal: unique on this host.
[[nodiscard]] std::string maildir_name(Stamp now, dev_t device, ino_t inode, std::string_view host);

// Sees that the file's bytes are on disk before a name that it is given next (and that is synced): a reader after a power
// cut finds all of it under that name, or no such name. 0, or the errno.
[[nodiscard]] int settle_content(const Fd& file);

}  // namespace mailbox
