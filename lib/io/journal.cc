#include "lib/io/journal.h"

#include <linux/magic.h>
#include <sys/vfs.h>

namespace io {

bool has_one_journal(int fd) {
  struct statfs system {};
  return ::fstatfs(fd, &system) == 0 && (system.f_type == EXT4_SUPER_MAGIC || system.f_type == XFS_SUPER_MAGIC);
}

}  // namespace io
