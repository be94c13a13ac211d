#include "lib/event/offload.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "lib/event/loop.h"

#include "lib/testing/catch.h"

namespace {

// Runs until every fiber has ended.
void run_to_end(event::Loop& loop) {
  loop.run_until([&] { return loop.fibers() == 0; });
}

void spawn(event::Loop& loop, std::function<void()> body) { REQUIRE(loop.spawn("test", std::move(body))); }

}  // namespace

TEST_CASE("blocking work of many fibers runs on pool threads and returns its result") {
  event::Loop loop;
  const std::thread::id here = std::this_thread::get_id();
  int right = 0;
  for (int i = 0; i < 200; ++i) {
    spawn(loop, [&, i] {
      std::thread::id there;
      const int doubled = event::blocking([&] {
        there = std::this_thread::get_id();
        return 2 * i;
      });
      if (doubled == 2 * i && there != here && std::this_thread::get_id() == here) ++right;
    });
  }
  run_to_end(loop);
  CHECK(right == 200);
}

TEST_CASE("a fiber that is cancelled in blocking work ends after it") {
  event::Loop loop;
  std::atomic<bool> released = false;
  bool came_back = false;
  event::FiberRef fiber = *loop.spawn("blocked", [&] {
    event::blocking([&] {
      while (!released) std::this_thread::yield();
    });
    came_back = true;
    event::yield();
    FAIL("the wait after the cancellation returned");
  });
  spawn(loop, [&] {
    event::yield();
    fiber.cancel();
    event::yield();
    released = true;
  });
  run_to_end(loop);
  CHECK(came_back);
}

TEST_CASE("outside of a fiber blocking work is just called") {
  int called = 0;
  event::blocking([&] { ++called; });
  CHECK(called == 1);
}

TEST_CASE("fibers share the fsyncs of a directory, and each is served by one that began after it asked") {
  std::string path = "/tmp/event_test.XXXXXX";
  REQUIRE(::mkdtemp(path.data()) != nullptr);
  const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  event::Loop loop;
  event::DirectorySync sync(directory.get());
  int served = 0;
  for (int i = 0; i < 50; ++i) {
    spawn(loop, [&] {
      for (int round = 0; round < 3; ++round) {
        if (sync.sync()) ++served;
      }
    });
  }
  run_to_end(loop);
  CHECK(served == 150);
  ::rmdir(path.c_str());
}

TEST_CASE("a directory sync that fails fails for everybody it serves") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const Fd reading(ends[0]), writing(ends[1]);
  event::Loop loop;
  event::DirectorySync sync(reading.get());  // pipes cannot be synced
  int failed = 0;
  for (int i = 0; i < 5; ++i) {
    spawn(loop, [&] {
      const Result<void> result = sync.sync();
      if (!result && result.error().code() == EINVAL) ++failed;
    });
  }
  run_to_end(loop);
  CHECK(failed == 5);
}
