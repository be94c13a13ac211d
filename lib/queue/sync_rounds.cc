#include "lib/queue/sync_rounds.h"

#include <unistd.h>

#include "lib/io/journal.h"

namespace queue {
namespace {

Result<void> sync_descriptor(int fd) {
  if (::fsync(fd) != 0) return base::fail_system("fsync");
  return {};
}

}  // namespace

SyncRounds::SyncRounds(int directory_fd)
    : rounds_(io::has_one_journal(directory_fd) ? 1 : rounds_side_by_side, [directory_fd] { return sync_descriptor(directory_fd); }) {}

Result<void> SyncRounds::sync(int file_fd) {
  Result<void> file;
  const Result<void> names = rounds_.run([&] { file = sync_descriptor(file_fd); });
  TRY(file);
  return names;
}

Result<void> SyncRounds::sync_names() {
  return rounds_.run([] {});
}

}  // namespace queue
