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
