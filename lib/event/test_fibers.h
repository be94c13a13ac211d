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

}  // namespace event_tests
