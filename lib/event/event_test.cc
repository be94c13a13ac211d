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

using std::chrono_literals::operator""ms, std::chrono_literals::operator""s;
using event_tests::deep;
using event_tests::Pair;
using event_tests::run_to_end;
using event_tests::spawn;

struct Counted {
  explicit Counted(int& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  int& count_;
};

}  // namespace

TEST_CASE("fibers take turns and end") {
  event::Loop loop;
  std::string order;
  for (const char name : {'a', 'b', 'c'}) {
    spawn(loop, [&order, name] {
      for (int i = 0; i < 3; ++i) {
        order += name;
        event::yield();
      }
    });
  }
  CHECK(loop.fibers() == 3);
  CHECK_FALSE(event::in_fiber());
  run_to_end(loop);
  CHECK(order == "abcabcabc");
}

TEST_CASE("two fibers in catch handlers keep their own exceptions") {
  event::Loop loop;
  std::vector<std::string> seen;
  for (const char* text : {"first", "second", "third"}) {
    spawn(loop, [&seen, text] {
      try {
        throw std::runtime_error(text);
      } catch (const std::runtime_error&) {
        event::yield();
        try {
          throw;
        } catch (const std::runtime_error& again) {
          event::yield();
          seen.emplace_back(again.what());
        }
      }
    });
  }
  run_to_end(loop);
  CHECK(seen == std::vector<std::string>{"first", "second", "third"});
}

TEST_CASE("a sleep ends at its deadline, not before, and longer sleeps later") {
  event::Loop loop;
  const Deadline start = std::chrono::steady_clock::now();
  std::string order;
  for (const int wait : {30, 10, 20}) {
    spawn(loop, [&, wait] {
      event::sleep_until(start + std::chrono::milliseconds(wait));
      CHECK(std::chrono::steady_clock::now() >= start + std::chrono::milliseconds(wait));
      order += static_cast<char>('0' + wait / 10);
    });
  }
  run_to_end(loop);
  CHECK(order == "123");
}

TEST_CASE("a cancelled fiber unwinds, and every further wait in its shielded goodbye still works") {
  event::Loop loop;
  int alive = 0;
  bool said_goodbye = false;
  bool went_on = false;
  const event::FiberRef fiber = spawn(loop, [&] {
    const Counted owner(alive);
    {
      const event::Shield shield;
      event::sleep_until(base::after(5ms));
      event::yield();
      said_goodbye = true;
    }
    event::sleep_until(base::no_deadline);
    went_on = true;
  });
  spawn(loop, [&] {
    event::yield();
    CHECK(alive == 1);
    fiber.cancel();
  });
  run_to_end(loop);
  CHECK(said_goodbye);
  CHECK_FALSE(went_on);
  CHECK(alive == 0);
  CHECK_FALSE(fiber.is_running());
  fiber.cancel();
}

TEST_CASE("cancellation reaches every kind of wait") {
  event::Loop loop;
  Pair pair;
  event::Notify notify;
  event::WaitList list;
  event::Semaphore semaphore(0);
  event::FdWait wait(pair.a.get());
  int alive = 0;
  int returned = 0;
  const std::vector<std::function<void()>> waits{
      [&] { event::sleep_until(base::no_deadline); },
      [&] { (void)notify.wait(base::no_deadline); },
      [&] { (void)list.wait(base::no_deadline); },
      [&] { (void)semaphore.acquire(base::no_deadline); },
      [&] { (void)wait.wait(event::Ready::readable, base::no_deadline); },
      [&] { (void)event::wait_fd(pair.b.get(), event::Ready::readable, base::no_deadline); },
  };
  for (const auto& each : waits) {
    spawn(loop, [&] {
      const Counted owner(alive);
      each();
      ++returned;
    });
  }
  loop.run_until([&] { return alive == 6; });
  loop.cancel_all(base::after(10s));
  CHECK(loop.fibers() == 0);
  CHECK(alive == 0);
  CHECK(returned == 0);
  CHECK(list.empty());
}

TEST_CASE("a notification is sticky and taken by one wait") {
  event::Loop loop;
  event::Notify notify;
  notify.notify();
  std::string got;
  spawn(loop, [&] {
    got += notify.wait(base::no_deadline) ? 'y' : 'n';
    got += notify.wait(base::after(1ms)) ? 'y' : 'n';
    got += notify.wait(base::no_deadline) ? 'y' : 'n';
  });
  spawn(loop, [&] {
    event::sleep_until(base::after(20ms));
    notify.notify();
  });
  run_to_end(loop);
  CHECK(got == "yny");
}

TEST_CASE("wait_any tells the lowest source that is ready, or none at the deadline") {
  event::Loop loop;
  Pair one, two;
  event::Notify notify;
  std::vector<std::optional<std::size_t>> got;
  spawn(loop, [&] {
    const std::array sources{event::Source::readable(one.a.get()), event::Source::readable(two.a.get()),
                             event::Source::notified(notify)};
    got.push_back(event::wait_any(base::after(1ms), sources));
    REQUIRE(::write(two.b.get(), "x", 1) == 1);
    got.push_back(event::wait_any(base::no_deadline, sources));
    char byte = 0;
    REQUIRE(::read(two.a.get(), &byte, 1) == 1);
    notify.notify();
    got.push_back(event::wait_any(base::no_deadline, sources));
    (void)event::Loop::current().spawn("writer", [&] { REQUIRE(::write(one.b.get(), "x", 1) == 1); });
    got.push_back(event::wait_any(base::no_deadline, sources));
    // Still readable: a wait that begins with a ready descriptor sees it.
    got.push_back(event::wait_any(base::no_deadline, sources));
  });
  run_to_end(loop);
  using Index = std::optional<std::size_t>;
  CHECK(got == std::vector<Index>{std::nullopt, Index(1), Index(2), Index(0), Index(0)});
}

TEST_CASE("a kept registration sees each arrival, also beside another wait on the same descriptor") {
  event::Loop loop;
  Pair pair;
  std::string got;
  spawn(loop, [&] {
    event::FdWait wait(pair.a.get());
    while (got.size() < 100) {
      wait.clear(event::Ready::readable);
      char byte = 0;
      if (::read(pair.a.get(), &byte, 1) == 1) {
        got += byte;
        if (got.size() == 50) REQUIRE(event::wait_fd(pair.a.get(), event::Ready::readable, base::no_deadline));
        continue;
      }
      REQUIRE(errno == EAGAIN);
      REQUIRE(wait.wait(event::Ready::readable, base::after(10s)));
    }
    CHECK_FALSE(wait.wait(event::Ready::readable, base::after(1ms)));
  });
  spawn(loop, [&] {
    for (int i = 0; i < 100; ++i) {
      REQUIRE(::write(pair.b.get(), "x", 1) == 1);
      if (i % 7 != 0) event::yield();
      if (i % 3 == 0) event::yield();
    }
  });
  run_to_end(loop);
  CHECK(got.size() == 100);
}

TEST_CASE("a writer parks until the reader has made room") {
  event::Loop loop;
  Pair pair;
  std::size_t sent = 0, received = 0;
  constexpr std::size_t total = 3'000'000;
  spawn(loop, [&] {
    event::FdWait wait(pair.a.get());
    const std::string chunk(100'000, 'x');
    while (sent < total) {
      wait.clear(event::Ready::writable);
      const ssize_t n = ::write(pair.a.get(), chunk.data(), std::min(chunk.size(), total - sent));
      if (n > 0) sent += static_cast<std::size_t>(n);
      else REQUIRE(wait.wait(event::Ready::writable, base::after(10s)));
    }
  });
  spawn(loop, [&] {
    std::string buffer(30'000, ' ');
    while (received < total) {
      const ssize_t n = ::read(pair.b.get(), buffer.data(), buffer.size());
      if (n > 0) received += static_cast<std::size_t>(n);
      else REQUIRE(event::wait_fd(pair.b.get(), event::Ready::readable, base::after(10s)));
    }
  });
  run_to_end(loop);
  CHECK(received == total);
}

TEST_CASE("without a loop waits block in poll") {
  Pair pair;
  CHECK_FALSE(event::wait_fd(pair.a.get(), event::Ready::readable, base::after(2ms)));
  REQUIRE(::write(pair.b.get(), "x", 1) == 1);
  CHECK(event::wait_fd(pair.a.get(), event::Ready::readable, base::after(1s)));
  event::FdWait wait(pair.a.get());
  CHECK(wait.wait(event::Ready::readable, base::after(1s)));
  CHECK(event::Loop::find() == nullptr);
}

TEST_CASE("a semaphore lets its limit through and loses no slot to the cancelled or late") {
  event::Loop loop;
  event::Semaphore semaphore(2);
  int inside = 0, most = 0, done = 0, late = 0;
  std::vector<event::FiberRef> fibers;
  event::Notify release;
  for (int i = 0; i < 20; ++i) {
    fibers.push_back(spawn(loop, [&, i] {
      if (!semaphore.acquire(i % 5 == 4 ? Deadline::min() : base::no_deadline)) {
        ++late;
        return;
      }
      struct Slot {
        event::Semaphore& held;
        ~Slot() { held.release(); }
      } slot{semaphore};
      const Counted counted(inside);
      most = std::max(most, inside);
      if (i == 0) (void)release.wait(base::no_deadline);
      event::yield();
      ++done;
    }));
  }
  spawn(loop, [&] {
    event::yield();
    fibers[18].cancel();
    fibers[0].cancel();
  });
  run_to_end(loop);
  CHECK(most == 2);
  CHECK(late == 4);
  CHECK(done == 14);
  spawn(loop, [&] {
    CHECK(semaphore.acquire(base::after(1s)));
    CHECK(semaphore.acquire(base::after(1s)));
    CHECK_FALSE(semaphore.acquire(base::after(1ms)));
  });
  run_to_end(loop);
}

TEST_CASE("two thousand fibers with deep stacks, reused and trimmed") {
  event::Loop loop;
  for (int round = 0; round < 2; ++round) {
    int ended = 0;
    for (int i = 0; i < 2000; ++i) {
      spawn(loop, [&] {
        event::yield();
        (void)deep(20);
        event::trim_stack();
        event::sleep_until(base::after(5ms));
        (void)deep(20);
        ++ended;
      });
    }
    run_to_end(loop);
    CHECK(ended == 2000);
  }
}

TEST_CASE("each fiber has its own session number in the log") {
  event::Loop loop;
  const unsigned long before = maillog::session();
  int right = 0;
  for (unsigned long number = 5'000'001; number < 5'000'010; ++number) {
    spawn(loop, [&, number] {
      maillog::set_session(number);
      event::yield();
      if (maillog::session() == number) ++right;
    });
  }
  run_to_end(loop);
  CHECK(right == 9);
  CHECK(maillog::session() == before);
}

TEST_CASE("log lines that find a full daemon come when it reads again, without any other event") {
  const testing::TemporaryDirectory directory;
  const std::string path = directory.path() + "log";
  const Fd daemon(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(daemon.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  maillog::open({.target = maillog::Target::postlog, .path = path, .fallback_file = {}});
  int sent = 0;
  for (; !maillog::is_behind() && sent < 10'000; ++sent) {
    maillog::info("line {}", sent);
    maillog::flush();
  }
  REQUIRE(maillog::is_behind());
  event::Loop loop;
  loop.carry_log();
  std::string last;
  const std::string awaited = fmt::format("line {}", sent - 1);
  const auto reader = loop.watch_readable(daemon.get(), [&] {
    std::array<char, 64 * 1024> buffer;
    const ssize_t size = ::recv(daemon.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size > 0) last.assign(buffer.data(), static_cast<std::size_t>(size));
    if (last.ends_with(awaited)) loop.stop();
  });
  const auto too_late = loop.timer(10s, [&] { loop.stop(); });
  loop.run();
  maillog::open({});
  CHECK(last.ends_with(awaited));
}
