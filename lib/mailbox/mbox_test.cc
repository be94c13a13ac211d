#include "lib/mailbox/mbox.h"

#include <csignal>
#include <cstdlib>
#include <ctime>

#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/mailbox/file_lock.h"
#include "lib/mailbox/test_message.h"
#include "lib/mailbox/torn_tail.h"
#include "lib/testing/catch.h"

namespace mailbox {
namespace {

constexpr std::string_view text =
    "From: x@y.org\nSubject: s\n\nhello\nFrom here\n>From there\n.\nlast\n";

const std::string mbox_form =
    "From s@sender.example  Tue Nov 24 06:44:02 2026\n"
    "Return-Path: <s@sender.example>\n"
    "X-Original-To: alice+x\n"
    "Delivered-To: alice+x@example.test\n"
    "From: x@y.org\nSubject: s\n\nhello\n>From here\n>From there\n.\nlast\n\n";

struct Utc {
  Utc() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
} const utc;

MboxTarget target(const std::string& path) {
  MboxTarget to;
  to.path = path;
  to.rules.owner = ::geteuid();
  to.rules.group = ::getegid();
  to.locks = {true, true, true};
  to.patience = {1, std::chrono::seconds(0), std::chrono::seconds(500)};
  return to;
}

Outcome deliver(const MboxTarget& to, const TestMessage& message) {
  Content content = message.content(Format::mbox);
  return append_to_mbox(to, content, LockHolder::self());
}

TEST_CASE("a message in its three forms") {
  const TestMessage message(text);
  REQUIRE(all_of(message.content(Format::mbox)) == mbox_form);
  std::string command = mbox_form.substr(0, mbox_form.size() - 1);
  command.erase(command.find(">From here"), 1);
  REQUIRE(all_of(message.content(Format::command)) == command);
  REQUIRE(all_of(message.content(Format::maildir)) == command.substr(command.find('\n') + 1));
}

TEST_CASE("From_ is quoted only where a line begins, and a last line gets its end") {
  const TestMessage message("Subject: s\n\n" + std::string(2044, 'a') + "FromFrom From x\nFrom y", 2048);
  const std::string form = all_of(message.content(Format::mbox));
  REQUIRE(form.ends_with("FromFrom From x\n>From y\n\n"));
}

TEST_CASE("the null sender is MAILER-DAEMON, and no address makes a line of its own") {
  Heading heading = TestMessage::heading();
  heading.sender.clear();
  heading.original_to = "a\nFrom b";
  heading.delivered_to.clear();
  REQUIRE(heading_text(heading, Format::mbox) ==
          "From MAILER-DAEMON  Tue Nov 24 06:44:02 2026\nReturn-Path: <>\nX-Original-To: \"a\\?From b\"\n");
  heading.sender = "john smith@x.y";
  REQUIRE(heading_text(heading, Format::maildir).starts_with("Return-Path: <\"john smith\"@x.y>\n"));
}

TEST_CASE("messages follow each other in a new mailbox") {
  const TestDirectory directory;
  const std::string path = directory / "alice";
  REQUIRE(deliver(target(path), TestMessage(text)).ok());
  REQUIRE(deliver(target(path), TestMessage("Subject: 2\n\nb\n")).ok());
  const std::string file = read_whole(path);
  REQUIRE(file.starts_with(mbox_form));
  REQUIRE(file.ends_with("Subject: 2\n\nb\n\n"));
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  REQUIRE((status.st_mode & 07777) == 0600);
  REQUIRE_FALSE(std::filesystem::exists(path + ".lock"));
}

TEST_CASE("a torn append is cut back wherever it was torn, and only then") {
  const TestDirectory directory;
  const std::string path = directory / "alice";
  const TestMessage message(text);
  const std::string other = "From a@b  Tue Nov 24 06:44:01 2026\nSubject: other\n\nFrom\n\n";
  for (std::size_t length = 0; length < mbox_form.size(); ++length) {
    write_whole(path, other + mbox_form.substr(0, length));
    REQUIRE(deliver(target(path), message).ok());
    REQUIRE(read_whole(path) == other + mbox_form);
  }
}

TEST_CASE("a complete append whose answer was lost is not repeated") {
  const TestDirectory directory;
  const std::string path = directory / "alice";
  write_whole(path, "From a\n\nx\n\n" + mbox_form);
  REQUIRE(deliver(target(path), TestMessage(text)).ok());
  REQUIRE(read_whole(path) == "From a\n\nx\n\n" + mbox_form);
}

TEST_CASE("at the first try a complete append is another recipient's, and a torn one still goes") {
  const TestDirectory directory;
  const std::string path = directory / "alice";
  MboxTarget to = target(path);
  to.first_try = true;
  write_whole(path, "From a\n\nx\n\n" + mbox_form);
  REQUIRE(deliver(to, TestMessage(text)).ok());
  REQUIRE(read_whole(path) == "From a\n\nx\n\n" + mbox_form + mbox_form);
  write_whole(path, mbox_form + mbox_form.substr(0, 100));
  REQUIRE(deliver(to, TestMessage(text)).ok());
  REQUIRE(read_whole(path) == mbox_form + mbox_form);
}

TEST_CASE("what only resembles a torn append stays") {
  const TestDirectory directory;
  const std::string path = directory / "alice";
  const std::string almost[] = {
      mbox_form.substr(0, 100) + "!",                        // goes on differently
      mbox_form.substr(0, 60) + "\n\n",                      // ended by somebody else
      "x" + mbox_form.substr(0, 40),                         // not at the start of a line
      mbox_form.substr(0, 200) + "From z\n\nnext message\n\n",  // another message follows
  };
  for (const std::string& tail : almost) {
    write_whole(path, "From a\n\nx\n\n" + tail);
    REQUIRE(deliver(target(path), TestMessage(text)).ok());
    REQUIRE(read_whole(path).starts_with("From a\n\nx\n\n" + tail));
    REQUIRE(read_whole(path).ends_with("\n\n" + mbox_form));
  }
}

TEST_CASE("a message of many windows is found torn") {
  std::string big = "Subject: big\n\n";
  while (big.size() < 1'500'000) big += "line of a big message\nFrom quoted\n";
  const TestMessage message(big);
  const std::string form = all_of(message.content(Format::mbox));
  const TestDirectory directory;
  const std::string path = directory / "alice";
  for (const std::size_t length : {form.size() - 1, form.size() / 2, std::size_t{262144}, std::size_t{262143}, std::size_t{65536}, std::size_t{20}}) {
    write_whole(path, "From a\n\nx\n\n" + form.substr(0, length));
    REQUIRE(deliver(target(path), message).ok());
    REQUIRE((read_whole(path) == "From a\n\nx\n\n" + form));
  }
}

TEST_CASE("a mailbox that ends within a line keeps it, and the message starts on its own") {
  const TestDirectory directory;
  const std::string path = directory / "alice";
  for (const auto& [before, between] : {std::pair<std::string, std::string>{"From x\n\nno end", "\n\n"}, {"From x\n\nend\n", "\n"}, {"\n", ""}, {"\n\n", ""}}) {
    write_whole(path, before);
    REQUIRE(deliver(target(path), TestMessage(text)).ok());
    REQUIRE(read_whole(path) == before + between + mbox_form);
  }
}

TEST_CASE("a mailbox may not outgrow its limit") {
  const TestDirectory directory;
  MboxTarget to = target(directory / "alice");
  to.size_limit = static_cast<std::int64_t>(mbox_form.size()) + 10;
  REQUIRE(deliver(to, TestMessage(text)).ok());
  const Outcome outcome = deliver(to, TestMessage("a: b\n"));
  REQUIRE(outcome.dsn == mail::Dsn(5, 2, 2));
  REQUIRE(outcome.reason == "error writing message: File too large");
  REQUIRE(read_whole(to.path) == mbox_form);
}

TEST_CASE("a full disk leaves the mailbox as it was") {
  const TestDirectory directory;
  const std::string path = directory / "alice";
  write_whole(path, "From a\n\nx\n\n");
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  rlimit small = old;
  small.rlim_cur = 100;
  ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Outcome outcome = deliver(target(path), TestMessage(text));
  ::setrlimit(RLIMIT_FSIZE, &old);
  REQUIRE(outcome.dsn == mail::Dsn(5, 2, 2));
  REQUIRE(read_whole(path) == "From a\n\nx\n\n");
}

TEST_CASE("what stands in a mailbox's place") {
  const TestDirectory directory;
  const std::string path = directory / "alice";
  const TestMessage message(text);
  SECTION("a directory") {
    ::mkdir(path.c_str(), 0700);
    REQUIRE(deliver(target(path), message).reason == "cannot open file: Is a directory");
  }
  SECTION("a FIFO without reader") {
    ::mkfifo(path.c_str(), 0600);
    REQUIRE(deliver(target(path), message).reason == "cannot open file: No such device or address");
  }
  SECTION("a symbolic link") {
    ::chmod(directory.path().c_str(), 0770);  // root's links in root's own directories are followed
    write_whole(directory / "target", "");
    ::symlink("target", path.c_str());
    REQUIRE(deliver(target(path), message).reason == "file is a symbolic link");
    REQUIRE(read_whole(directory / "target").empty());
  }
  SECTION("a symbolic link to nothing") {
    ::symlink("nothing", path.c_str());
    REQUIRE(deliver(target(path), message).reason == "cannot open file: No such file or directory");
  }
  SECTION("a file with two names") {
    write_whole(path, "");
    ::link(path.c_str(), (directory / "other").c_str());
    const Outcome outcome = deliver(target(path), message);
    REQUIRE(outcome.reason == "file has 2 hard links");
    REQUIRE(outcome.dsn == mail::Dsn(5, 2, 0));
  }
  SECTION("a foreign file") {
    write_whole(path, "");
    MboxTarget to = target(path);
    to.rules.owner += 1;
    const Outcome outcome = deliver(to, message);
    REQUIRE(outcome.dsn == mail::Dsn(4, 2, 0));
    REQUIRE(outcome.reason == "destination " + path + " is not owned by recipient");
    REQUIRE(outcome.warnings == std::vector<std::string>{"specify \"strict_mailbox_ownership = no\" to ignore mailbox ownership mismatch"});
  }
  SECTION("no directory to make it in") {
    MboxTarget to = target(directory / "none/alice");
    REQUIRE(deliver(to, message).reason == "unable to create lock file " + to.path + ".lock: No such file or directory");
    to.need_dotlock = false;
    const Outcome outcome = deliver(to, message);
    REQUIRE(outcome.reason == "cannot create file exclusively: No such file or directory");
    REQUIRE(outcome.warnings.size() == 1);
  }
  SECTION("a program, in place of a file that an alias names") {
    write_whole(path, "");
    ::chmod(path.c_str(), 0755);
    MboxTarget to = target(path);
    to.rules.regular_only = false;
    const Outcome outcome = deliver(to, message);
    REQUIRE(outcome.dsn == mail::Dsn(5, 7, 1));
    REQUIRE(outcome.reason == "file is executable");
  }
  SECTION("a device, where that is allowed") {
    MboxTarget to = target("/dev/null");
    REQUIRE(deliver(to, message).reason == "destination /dev/null is not a regular file");
    to.rules.regular_only = false;
    REQUIRE(deliver(to, message).ok());
  }
}

TEST_CASE("a path below a base does not leave it") {
  const TestDirectory directory;
  ::mkdir((directory / "base").c_str(), 0700);
  ::symlink("..", (directory / "base/up").c_str());
  MboxTarget to = target("u1");
  to.rules.below = directory / "base";
  REQUIRE(deliver(to, TestMessage(text)).ok());
  REQUIRE(read_whole(directory / "base/u1") == mbox_form);
  for (const char* path : {"../u2", "up/u2", "/u2"}) {
    to.path = path;
    to.locks.dotlock = false;
    REQUIRE(deliver(to, TestMessage(text)).reason == "cannot open file: Invalid cross-device link");
  }
  REQUIRE_FALSE(std::filesystem::exists(directory / "u2"));
}

TEST_CASE("a lock that another program keeps defers the mail") {
  const TestDirectory directory;
  const std::string path = directory / "alice";
  write_whole(path, "");
  const Fd other(::open(path.c_str(), O_RDWR));
  REQUIRE(::flock(other.get(), LOCK_EX) == 0);
  const Outcome outcome = deliver(target(path), TestMessage(text));
  REQUIRE(outcome.dsn == mail::Dsn(4, 2, 0));
  REQUIRE(outcome.reason == "unable to lock for exclusive access: Resource temporarily unavailable");
}

TEST_CASE("lock methods are read from their parameter") {
  const auto methods = parse_lock_methods("fcntl, dotlock");
  REQUIRE(methods);
  REQUIRE((methods->fcntl && methods->dotlock && !methods->flock));
  REQUIRE(parse_lock_methods("fcntl flop").error().message() == "unknown lock method \"flop\"");
}

}  // namespace
}  // namespace mailbox
