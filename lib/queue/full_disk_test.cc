// A disk that is full, in bytes or in names: an error that leaves nothing, and recovery by itself.

#include <cerrno>
#include <filesystem>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/queue/incoming.h"
#include "lib/queue/log_file.h"
#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

using queue::Queue;
using queue::RecordType;

namespace {

// A small file system for one test. Not there without the right to mount: the test then says so and passes.
struct SmallDisk {
  testing::TemporaryDirectory directory;
  bool mounted = false;
  explicit SmallDisk(const char* options) {
    mounted = mount("small", directory.path().c_str(), "tmpfs", 0, options) == 0;
    if (!mounted) WARN("skipped: no right to mount a small file system");
  }
  ~SmallDisk() {
    if (mounted) umount2(directory.path().c_str(), MNT_DETACH);
  }
};

void make_queue(const queue::Layout& layout) {
  for (const Queue queue : {Queue::incoming, Queue::active, Queue::deferred, Queue::hold, Queue::defer, Queue::bounce}) {
    std::filesystem::create_directory(layout.directory(queue));
  }
}

// A whole message with a body of `lines` times 1000 bytes.
Result<queue::QueueId> write_message(queue::IncomingDirectory& incoming, int lines) {
  queue::IncomingFile file = TRY(incoming.create());
  TRY(file.add(RecordType::sender, "a@x"));
  TRY(file.add(RecordType::recipient, "b@x"));
  TRY(file.add(RecordType::message_start, ""));
  for (int i = 0; i < lines; ++i) TRY(file.add(RecordType::normal, std::string(1000, 'x')));
  TRY(file.add(RecordType::extracted, ""));
  return std::move(file).commit();
}

long files_in(const std::string& path) { return std::distance(std::filesystem::directory_iterator(path), {}); }

}  // namespace

TEST_CASE("a message that does not fit on the disk is an error and leaves nothing") {
  const SmallDisk disk("size=512k");
  if (!disk.mounted) return;
  const queue::Layout layout(disk.directory.path(), "deferred, defer", 1);
  make_queue(layout);
  const auto incoming = queue::IncomingDirectory::open(layout, queue::IdForm::short_form, base::system_clock());
  REQUIRE(incoming);
  for (const int lines : {600, 2000}) {
    const auto id = write_message(**incoming, lines);
    REQUIRE_FALSE(id);
    CHECK(id.error().code() == ENOSPC);
    CHECK(files_in(layout.directory(Queue::incoming)) == 0);
  }
  CHECK(write_message(**incoming, 10));
  CHECK(files_in(layout.directory(Queue::incoming)) == 1);
}

TEST_CASE("a disk that has no more names is an error and leaves nothing") {
  const SmallDisk disk("nr_inodes=10");
  if (!disk.mounted) return;
  const queue::Layout layout(disk.directory.path(), "deferred, defer", 1);
  make_queue(layout);
  const auto incoming = queue::IncomingDirectory::open(layout, queue::IdForm::long_form, base::system_clock());
  REQUIRE(incoming);
  int written = 0;
  for (;; ++written) {
    const auto id = write_message(**incoming, 1);
    if (id) continue;
    CHECK(id.error().code() == ENOSPC);
    break;
  }
  CHECK(files_in(layout.directory(Queue::incoming)) == written);
}

TEST_CASE("a log that cannot grow keeps what it had, without a torn end") {
  const SmallDisk disk("size=64k");
  if (!disk.mounted) return;
  const queue::Layout layout(disk.directory.path(), "deferred, defer", 1);
  make_queue(layout);
  const queue::QueueId id = *queue::QueueId::parse("0B5EF08C41");
  ipc::RecipientStatus status;
  status.recipient = "a@x";
  status.reason = std::string(3000, 'r');
  int appended = 0;
  while (queue::append_status(layout, Queue::bounce, id, status, queue::Durability::disk)) ++appended;
  REQUIRE(appended > 3);
  auto reader = queue::LogReader::open(layout, Queue::bounce, id);
  REQUIRE(reader);
  REQUIRE(*reader);
  int read = 0;
  for (;; ++read) {
    const auto entry = (*reader)->next();
    REQUIRE(entry);
    if (!*entry) break;
    CHECK((*entry)->reason == status.reason);
  }
  CHECK(read == appended);
}
