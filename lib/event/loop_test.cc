// The loop beside its fibers: hooks, a forked child, a stack that overflows, the portable switch.

#include "lib/event/loop.h"

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/event/context.h"
#include "lib/event/fd_wait.h"
#include "lib/log/log.h"
#include "lib/log/sink.h"
#include "lib/testing/temporary_directory.h"

#include "lib/event/test_fibers.h"
#include "lib/testing/catch.h"

namespace {

using event_tests::deep;
using event_tests::Pair;
using event_tests::run_to_end;
using event_tests::spawn;

}  // namespace

TEST_CASE("hooks: descriptors, timers, signals and the end of a turn") {
  event::Loop loop;
  Pair pair;
  std::string got;
  int turns = 0;
  loop.before_wait([&] { ++turns; });
  auto readable = loop.watch_readable(pair.a.get(), [&] {
    char byte = 0;
    REQUIRE(::read(pair.a.get(), &byte, 1) == 1);
    got += byte;
    CHECK_FALSE(event::in_fiber());
    if (got == "ab") loop.stop();
  });
  auto signal = loop.watch_signal(SIGUSR1, [&] { REQUIRE(::write(pair.b.get(), "b", 1) == 1); });
  std::unique_ptr<event::Loop::Watch> timer = loop.timer(std::chrono::milliseconds(1), [&] {
    timer.reset();
    REQUIRE(::write(pair.b.get(), "a", 1) == 1);
    ::raise(SIGUSR1);
  });
  const auto never = loop.timer(std::chrono::hours(1), [] { FAIL("too early"); });
  loop.run();
  CHECK(got == "ab");
  CHECK(turns > 0);
}

TEST_CASE("a forked child has no loop: it blocks, and leaves its parent's descriptors alone") {
  event::Loop loop;
  Pair pair;
  bool heard = false;
  spawn(loop, [&] {
    event::FdWait wait(pair.a.get());
    CHECK_FALSE(wait.wait(event::Ready::readable, base::after(std::chrono::milliseconds(1))));  // armed now
    const pid_t child = ::fork();
    if (child == 0) {
      const bool right = event::Loop::find() == nullptr && !event::in_fiber() &&
                         !event::wait_fd(pair.b.get(), event::Ready::readable, base::after(std::chrono::milliseconds(1)));
      wait.~FdWait();
      ::_exit(right ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    REQUIRE(::write(pair.b.get(), "x", 1) == 1);
    heard = wait.wait(event::Ready::readable, base::after(std::chrono::seconds(5)));
  });
  run_to_end(loop);
  CHECK(heard);
}

#if !defined(EVENT_WITH_ASAN) && !defined(EVENT_WITH_TSAN)  // a sanitizer has its own view of faults and of unannounced switches
TEST_CASE("a stack that runs into its guard ends the process with a line that names the fiber") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(writing.get(), STDERR_FILENO);
    ::close(STDOUT_FILENO);  // Catch reports the signal there
    event::Loop loop;
    (void)loop.spawn("smtpd session 77", [] { (void)deep(100'000); });
    run_to_end(loop);
    ::_exit(0);
  }
  writing.reset();
  std::string text;
  std::array<char, 300> buffer{};
  for (ssize_t n = 0; (n = ::read(reading.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSEGV);
  CHECK(text.find("stack overflow at address") != std::string::npos);
  CHECK(text.find("in fiber smtpd session 77") != std::string::npos);
}

namespace {

struct Portable {
  event::PortableContext home, fiber;
  std::string order;
};

void portable_body(void* argument) {
  auto& portable = *static_cast<Portable*>(argument);
  portable.order += 'b';
  portable.fiber.switch_to(portable.home);
  portable.order += 'd';
  portable.fiber.switch_to(portable.home);
}

}  // namespace

TEST_CASE("the portable context switches too") {
  const event::Stack stack = *event::Stack::map();
  Portable portable;
  portable.fiber.prepare(stack, &portable_body, &portable);
  portable.order += 'a';
  portable.home.switch_to(portable.fiber);
  portable.order += 'c';
  portable.home.switch_to(portable.fiber);
  CHECK(portable.order == "abcd");
}
#endif
