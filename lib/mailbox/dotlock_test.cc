#include "lib/mailbox/dotlock.h"

#include <cerrno>
#include <ctime>

#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "lib/mailbox/test_message.h"
#include "lib/testing/catch.h"

namespace mailbox {
namespace {

constexpr LockPatience once{1, std::chrono::seconds(0), std::chrono::seconds(500)};

TEST_CASE("a lock says who holds it and goes with its owner") {
  const TestDirectory directory;
  const std::string path = directory / "box";
  const LockHolder self = LockHolder::self();
  {
    const auto lock = Dotlock::acquire(path, self, once);
    REQUIRE(lock);
    const auto holder = LockHolder::parse(read_whole(path + ".lock"));
    REQUIRE(holder);
    REQUIRE(holder->pid == ::getpid());
    REQUIRE_FALSE(holder->is_dead(self));
    const auto second = Dotlock::acquire(path, self, once);
    REQUIRE(second.error().code() == EEXIST);
    REQUIRE(second.error().message() == "unable to create lock file " + path + ".lock: File exists");
  }
  REQUIRE(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("the lock of a killed delivery is taken over at once") {
  const TestDirectory directory;
  const std::string path = directory / "box";
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = Dotlock::acquire(path, LockHolder::self(), once);
    ::raise(SIGKILL);
    ::_exit(lock ? 0 : 1);
  }
  ::waitpid(child, nullptr, 0);
  REQUIRE(std::filesystem::exists(path + ".lock"));
  REQUIRE(Dotlock::acquire(path, LockHolder::self(), once));
}

TEST_CASE("a lock whose text was lost in a power cut is known by its attribute") {
  const TestDirectory directory;
  const std::string path = directory / "box";
  {
    const auto held = Dotlock::acquire(path, LockHolder::self(), once);
    REQUIRE(held);
    std::filesystem::resize_file(path + ".lock", 0);
    if (::getxattr((path + ".lock").c_str(), "user.valija.lock", nullptr, 0) <= 0) return;  // not on this file system
    REQUIRE(Dotlock::acquire(path, LockHolder::self(), once).error().code() == EEXIST);
  }
  LockHolder gone = LockHolder::self();
  gone.pid = 4'000'000;
  const auto left = Dotlock::acquire(path, gone, once);
  REQUIRE(left);
  std::filesystem::resize_file(path + ".lock", 0);
  REQUIRE(Dotlock::acquire(path, LockHolder::self(), once));
}

TEST_CASE("whose lock is stale") {
  const LockHolder self = LockHolder::self();
  struct Row {
    const char* what;
    LockHolder holder;
    bool dead;
  };
  LockHolder other_boot = self, other_host = self, other_start = self, other_space = self, gone = self;
  other_boot.boot = "x";
  other_host.host = "elsewhere";
  other_host.boot = "x";
  other_start.start = "1";
  other_space.pid_namespace = "pid:[1]";
  other_space.start = "1";
  gone.pid = 4'000'000;
  const Row rows[] = {{"our own", self, false},          {"of an earlier boot", other_boot, true},
                      {"of another host", other_host, false}, {"of a number that was given again", other_start, true},
                      {"of another container", other_space, false}, {"of a process that is gone", gone, true}};
  for (const Row& row : rows) {
    INFO(row.what);
    const auto parsed = LockHolder::parse(row.holder.text());
    REQUIRE(parsed);
    REQUIRE(parsed->is_dead(self) == row.dead);
    const auto marked = LockHolder::parse_mark(row.holder.mark());
    REQUIRE(marked);
    REQUIRE(marked->is_dead(self.abbreviated()) == row.dead);
  }
  for (const char* text : {"", "123\n", "0\nhost=a boot=b pidns=c start=d\n", "1\nhost=a boot=b pidns=c start=\n", "x"}) {
    REQUIRE_FALSE(LockHolder::parse(text));
  }
}

TEST_CASE("a foreign lock is taken over after stale_lock_time") {
  const TestDirectory directory;
  const std::string path = directory / "box";
  write_whole(path + ".lock", "");
  REQUIRE(Dotlock::acquire(path, LockHolder::self(), once).error().code() == EEXIST);
  // Whose time of modification anybody may set.
  const timespec times[2] = {{::time(nullptr) - 501, 0}, {::time(nullptr) - 501, 0}};
  ::utimensat(AT_FDCWD, (path + ".lock").c_str(), times, 0);
  REQUIRE(Dotlock::acquire(path, LockHolder::self(), once).error().code() == EEXIST);
  constexpr LockPatience already{1, std::chrono::seconds(0), std::chrono::seconds(-1)};
  REQUIRE(Dotlock::acquire(path, LockHolder::self(), already));
}

TEST_CASE("of many that find a stale lock one gets it at a time") {
  const TestDirectory directory;
  const std::string path = directory / "box";
  LockHolder gone = LockHolder::self();
  gone.pid = 4'000'000;
  constexpr LockPatience long_patience{20, std::chrono::seconds(1), std::chrono::seconds(500)};
  for (int round = 0; round < 5; ++round) {
    write_whole(path + ".lock", gone.text());
    for (int i = 0; i < 8; ++i) {
      if (::fork() != 0) continue;
      const auto lock = Dotlock::acquire(path, LockHolder::self(), long_patience);
      const Fd alone(::open((path + ".held").c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600));
      if (!lock || !alone) ::_exit(1);
      ::unlink((path + ".held").c_str());
      ::_exit(0 * static_cast<int>(lock.has_value()));
    }
    // A child leaves by _exit, so its lock stays behind as that of a dead process: the next one must see that.
    int status = 0;
    while (::wait(&status) > 0) REQUIRE(status == 0);
  }
}

}  // namespace
}  // namespace mailbox
