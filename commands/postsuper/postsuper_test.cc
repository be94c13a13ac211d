#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include "commands/postsuper/operations.h"
#include "commands/postsuper/structure.h"
#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

using postsuper::Names;
using postsuper::Operation;
using queue::Queue;
using queue::QueueId;

namespace {

struct Spool {
  testing::TemporaryDirectory directory;
  queue::Layout layout{directory.path(), "deferred, defer", 1};
  Spool() {
    for (const Queue queue : postsuper::structured_queues()) std::filesystem::create_directory(layout.directory(queue));
  }

  // A file at this path below the queue directory; its inode.
  std::uint64_t put(const std::string& path, const std::string& text) const {
    const std::string whole = (directory.path() + path);
    std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
    std::ofstream(whole) << text;
    struct stat status {};
    REQUIRE(::stat(whole.c_str(), &status) == 0);
    REQUIRE(::chmod(whole.c_str(), queue::mode_complete) == 0);
    return status.st_ino;
  }
  // A message under the name that its inode demands.
  [[nodiscard]] QueueId put_message(const std::string& queue) const {
    const std::uint64_t inode = put(queue + "/x", "message");
    const QueueId id = QueueId::make(queue::IdForm::short_form, Stamp(std::chrono::microseconds(0xABCDE)), inode);
    rename(queue + "/x", layout.path(*queue::find_queue(queue), id).substr(layout.root().size()));
    return id;
  }
  void rename(const std::string& from, const std::string& to) const {
    std::filesystem::create_directories(std::filesystem::path((directory.path() + to)).parent_path());
    std::filesystem::rename((directory.path() + from), (directory.path() + to));
  }
  [[nodiscard]] std::string read(Queue queue, const QueueId& id) const {
    std::ifstream in(layout.path(queue, id));
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

}  // namespace

TEST_CASE("a structure check moves files to the directory of their name") {
  const Spool spool;
  const QueueId id = spool.put_message("incoming");
  spool.rename("incoming/" + id.text(), "deferred/Z/Y/" + id.text());
  spool.put("defer/" + id.text(), "why");
  const auto renamed = postsuper::fix_structure(spool.layout, postsuper::structured_queues(), Names::short_ids);
  REQUIRE(renamed);
  CHECK(*renamed == 0);
  CHECK(spool.read(Queue::deferred, id) == "message");
  CHECK(spool.read(Queue::defer, id) == "why");
}

TEST_CASE("a structure check gives messages that traded their names the right ones, logs too") {
  const Spool spool;
  const std::uint64_t a = spool.put("deferred/a", "a"), b = spool.put("deferred/b", "b");
  const auto id = [](std::uint64_t inode) {
    return QueueId::make(queue::IdForm::short_form, Stamp(std::chrono::microseconds(0xABCDE)), inode);
  };
  spool.rename("deferred/a", "deferred/A/" + id(b).text());
  spool.rename("deferred/b", "deferred/A/" + id(a).text());
  spool.put("defer/A/" + id(b).text(), "log of a");
  spool.put("defer/A/" + id(a).text(), "log of b");
  const auto renamed = postsuper::fix_structure(spool.layout, postsuper::structured_queues(), Names::short_ids);
  REQUIRE(renamed);
  CHECK(*renamed == 2);
  CHECK(spool.read(Queue::deferred, id(a)) == "a");
  CHECK(spool.read(Queue::deferred, id(b)) == "b");
  CHECK(spool.read(Queue::defer, id(a)) == "log of a");
  CHECK(spool.read(Queue::defer, id(b)) == "log of b");
  CHECK(*postsuper::fix_structure(spool.layout, postsuper::structured_queues(), Names::short_ids) == 0);
}

TEST_CASE("an interrupted structure check is finished by the next") {
  const Spool spool;
  const QueueId id = spool.put_message("incoming");
  spool.rename("incoming/" + id.text(), "incoming/" + id.text() + "#FIX");
  spool.put("defer/A/" + id.text() + "#FIX", "why");
  REQUIRE(postsuper::fix_structure(spool.layout, postsuper::structured_queues(), Names::short_ids));
  CHECK(spool.read(Queue::incoming, id) == "message");
  CHECK(spool.read(Queue::defer, id) == "why");
}

TEST_CASE("expiry is a mode bit, set once") {
  const Spool spool;
  const QueueId id = spool.put_message("deferred");
  CHECK(*postsuper::apply(spool.layout, Operation::expire, id, postsuper::default_queues(Operation::expire)));
  struct stat status {};
  REQUIRE(::stat(spool.layout.path(Queue::deferred, id).c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == (queue::mode_complete | queue::mode_force_expired));
  CHECK_FALSE(*postsuper::apply(spool.layout, Operation::expire, id, postsuper::default_queues(Operation::expire)));
}
