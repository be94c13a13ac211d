#include "lib/queue/saved.h"

#include <cerrno>

#include <fcntl.h>
#include <stdio.h>

namespace queue {
namespace {

constexpr int names_limit = 100;  // ID with that many "+": somebody who never looks into saved/

}  // namespace

Result<void> dispose(const Layout& layout, Queue queue, const QueueId& id, Remains remains) {
  if (remains == Remains::removed) return layout.remove(queue, id);
  return save(layout, layout.path(queue, id), id);
}

Result<void> save(const Layout& layout, const std::string& file, const QueueId& id) {
  TRY(layout.make_directories(Queue::saved, id));
  std::string target = layout.path(Queue::saved, id);
  for (int i = 0; i < names_limit; ++i, target += '+') {
    if (::renameat2(AT_FDCWD, file.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0 || errno == ENOENT) return {};
    if (errno != EEXIST) break;
  }
  return base::fail_system("rename " + file + " to " + target);
}

}  // namespace queue
