#include "lib/queue/sync_rounds.h"

#include <array>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/event/loop.h"
#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

namespace {

void run_fibers(int count, const std::function<void()>& body) {
  event::Loop loop;
  for (int i = 0; i < count; ++i) REQUIRE(loop.spawn("test", body));
  loop.run_until([&] { return loop.fibers() == 0; });
}

}  // namespace

TEST_CASE("many fibers share the syncs of a directory and of their files") {
  const testing::TemporaryDirectory place;
  const Fd directory(::open(place.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Fd file(::open((place.path() + "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  queue::SyncRounds rounds(directory.get());
  int served = 0;
  run_fibers(50, [&] {
    for (int i = 0; i < 3; ++i) {
      if (rounds.sync(file.get()) && rounds.sync_names()) ++served;
    }
  });
  CHECK(served == 150);
}

TEST_CASE("a file that cannot be synced fails for its own caller only") {
  const testing::TemporaryDirectory place;
  const Fd directory(::open(place.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const Fd reading(ends[0]), writing(ends[1]);  // pipes cannot be synced
  queue::SyncRounds rounds(directory.get());
  int calls = 0, failed = 0;
  run_fibers(20, [&] {
    const bool is_bad = calls++ % 4 == 0;
    const Result<void> result = rounds.sync(is_bad ? writing.get() : directory.get());
    if (!result && is_bad && result.error().code() == EINVAL) ++failed;
    if (!is_bad) CHECK(result);
  });
  CHECK(failed == 5);
}

TEST_CASE("a directory that cannot be synced fails for everybody") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const Fd reading(ends[0]), writing(ends[1]);
  queue::SyncRounds rounds(reading.get());
  int failed = 0;
  run_fibers(20, [&] {
    const Result<void> result = rounds.sync_names();
    if (!result && result.error().code() == EINVAL) ++failed;
  });
  CHECK(failed == 20);
}

TEST_CASE("outside of a fiber a sync is just made") {
  const testing::TemporaryDirectory place;
  const Fd directory(::open(place.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  queue::SyncRounds rounds(directory.get());
  CHECK(rounds.sync_names());
}
