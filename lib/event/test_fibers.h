#pragma once
// Fibers and a pair of sockets for the tests of the loop.

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include <sys/socket.h>

#include "lib/base/check.h"
#include "lib/base/fd.h"
#include "lib/event/loop.h"

namespace event_tests {

inline void run_to_end(event::Loop& loop) {
  loop.run_until([&] { return loop.fibers() == 0; });
}

inline event::FiberRef spawn(event::Loop& loop, std::function<void()> body, std::string name = "test") {
  auto fiber = loop.spawn(std::move(name), std::move(body));
  CHECK(fiber.has_value());
  return *fiber;
}

struct Pair {
  Fd a, b;
  Pair() {
    std::array<int, 2> ends{};
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    a.reset(ends[0]);
    b.reset(ends[1]);
  }
};

// Uses about `depth` kilobytes of stack.
// The frame escapes and is read after the call, so that no optimizer makes a loop of it.
[[gnu::noinline]] inline int deep(int depth) {
  std::array<char, 1000> frame{};
  asm volatile("" : : "r"(frame.data()) : "memory");
  const int below = depth == 0 ? 0 : deep(depth - 1);
  asm volatile("" : : "r"(frame.data()) : "memory");
  return below + frame[0];
}

}  // namespace event_tests
