#include "lib/mailbox/maildir.h"

#include <cerrno>

#include <sys/stat.h>

#include "lib/mailbox/test_message.h"
#include "lib/testing/catch.h"

namespace mailbox {
namespace {

constexpr std::string_view text = "Subject: s\n\nFrom here\n";

Outcome deliver(const MaildirTarget& target) {
  const TestMessage message(text);
  Content content = message.content(Format::maildir);
  return deliver_to_maildir(target, content);
}

std::vector<std::string> files(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path)) names.push_back(entry.path().filename());
  return names;
}

TEST_CASE("names are as Postfix's") {
  const Stamp stamp = Stamp(std::chrono::microseconds(1795502872'288259));
  REQUIRE(maildir_name(stamp, 0x28, 0x83c, "mail.example.test") == "1795502872.V28I83cM288259.mail.example.test");
}

TEST_CASE("a Maildir is made with its parents, and messages appear in new") {
  const TestDirectory directory;
  const MaildirTarget target{directory / "a/b/Maildir", "", "host.test", 0};
  REQUIRE(deliver(target).ok());
  REQUIRE(deliver(target).ok());
  const auto names = files(target.path + "/new");
  REQUIRE(names.size() == 2);
  REQUIRE(files(target.path + "/tmp").empty());
  REQUIRE(files(target.path + "/cur").empty());
  REQUIRE(read_whole(target.path + "/new/" + names[0]).ends_with("Delivered-To: alice+x@example.test\nSubject: s\n\nFrom here\n"));
  struct stat status {};
  REQUIRE(::stat((target.path + "/new/" + names[0]).c_str(), &status) == 0);
  REQUIRE((status.st_mode & 07777) == 0600);
  REQUIRE(::stat((directory / "a").c_str(), &status) == 0);
  REQUIRE((status.st_mode & 07777) == 0700);
}

TEST_CASE("a Maildir that cannot be written says why") {
  const TestDirectory directory;
  write_whole(directory / "Maildir", "x");
  const Outcome outcome = deliver({directory / "Maildir", "", "h", 0});
  REQUIRE(outcome.dsn == mail::Dsn(5, 2, 0));
  REQUIRE(outcome.reason.starts_with("create maildir file " + (directory / "Maildir") + "/tmp/"));
  REQUIRE(outcome.reason.ends_with(".h: Not a directory"));
}

TEST_CASE("a message over the limit leaves nothing behind") {
  const TestDirectory directory;
  const MaildirTarget target{directory / "Maildir", "", "h", 10};
  const Outcome outcome = deliver(target);
  REQUIRE(outcome.dsn == mail::Dsn(5, 2, 2));
  REQUIRE(outcome.reason == "error writing message: File too large");
  REQUIRE(files(target.path + "/tmp").empty());
  REQUIRE(files(target.path + "/new").empty());
}

TEST_CASE("a Maildir below a base stays there") {
  const TestDirectory directory;
  ::mkdir((directory / "base").c_str(), 0700);
  ::symlink("..", (directory / "base/up").c_str());
  REQUIRE(deliver({"d/u", directory / "base", "h", 0}).ok());
  REQUIRE(files(directory / "base/d/u/new").size() == 1);
  REQUIRE_FALSE(deliver({"../u", directory / "base", "h", 0}).ok());
  REQUIRE_FALSE(deliver({"up/u", directory / "base", "h", 0}).ok());
  REQUIRE_FALSE(std::filesystem::exists(directory / "u"));
}

}  // namespace
}  // namespace mailbox
