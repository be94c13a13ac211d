#pragma once
// Opening a file to append mail to, in a directory where others may put what they like under its name. All checks are
// made on the open descriptor, so that nothing can be swapped between check and use.

#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "lib/base/fd.h"
#include "lib/mailbox/outcome.h"

namespace mailbox {

// Which uid may own the file: strict_mailbox_ownership.
enum class Ownership { any, recipient };

struct OpenRules {
  std::string below;                         // not empty: `path` is resolved below this directory, without "..", and
                                             // without symbolic links that lead out of it (openat2, RESOLVE_BENEATH)
  Ownership ownership = Ownership::recipient;
  uid_t owner = 0;                           // the recipient
  gid_t group = 0;                           // of a file that is created in `owner`'s name by root
  bool regular_only = true;                  // a mailbox; else also a device, a socket's FIFO ("/dev/null" in an alias)
};

struct OpenedFile {
  Fd file;                                   // O_APPEND; readable when `readable`
  struct stat status {};
  bool created = false;                      // its directory is to be synced too
  bool readable = false;
};

// Opens or creates (0600). What is refused: a symbolic link, unless root made it in a directory that only root can
// write; more than one hard link; a foreign owner; a directory, or a FIFO that nobody reads (never waits for a reader).
// The Outcome says why not: "cannot open file: Permission denied".
[[nodiscard]] std::expected<OpenedFile, Outcome> open_to_append(const std::string& path, const OpenRules& rules);

// Opens a directory below `below` (or anywhere when it is empty), for the paths of virtual mailboxes. O_PATH will do to
// name what is in it.
[[nodiscard]] Result<Fd> open_directory(const std::string& below, const std::string& path, int access = O_RDONLY);

// The directory part of a path: "." for a mere name, "/" for what is in the root.
[[nodiscard]] std::string parent_of(const std::string& path);

}  // namespace mailbox
