#include "lib/mailbox/maildir.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

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

TEST_CASE("a name tells the sizes where it is to") {
  const TestDirectory directory;
  const MaildirTarget target{.path = directory / "Maildir", .below = "", .host = "h", .names_sizes = true, .quota = {}};
  REQUIRE(deliver(target).ok());
  const std::string name = files(target.path + "/new").at(0);
  const std::string whole = read_whole(target.path + "/new/" + name);
  const auto lines = static_cast<std::size_t>(std::ranges::count(whole, '\n'));
  REQUIRE(name.ends_with(fmt::format(".h,S={},W={}", whole.size(), whole.size() + lines)));
}

// Books in the root's file "books": a line for each question and note. There is room for what is smaller than the limit.
Result<void> write_down(const Fd& root, std::string_view what, std::string_view limit, std::int64_t bytes) {
  const Fd file(::openat(root.get(), "books", O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600));
  const std::string line = fmt::format("{} {} {}\n", what, limit, bytes);
  if (::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) return base::fail_system("write");
  return {};
}
constexpr QuotaBooks test_books{
    .check = [](const Fd& root, std::string_view limit, std::int64_t bytes) -> Result<void> {
      if (root) TRY(write_down(root, "check", limit, bytes));
      if (limit == "broken") return base::fail("cannot be read");
      if (bytes >= std::stoi(std::string(limit))) return base::Failure(base::Error::system("quota", EDQUOT));
      return {};
    },
    .note = [](const Fd& root, std::string_view limit, std::int64_t bytes) { return write_down(root, "note", limit, bytes); },
};

TEST_CASE("a message has room by its quota, and is noted when it is there") {
  const TestDirectory directory;
  MaildirTarget target{.path = directory / "Maildir", .below = "", .host = "h", .quota = {&test_books, "1000", false}};
  REQUIRE(deliver(target).ok());
  const auto size = read_whole(target.path + "/new/" + files(target.path + "/new").at(0)).size();
  REQUIRE(read_whole(target.path + "/books") == fmt::format("check 1000 {0}\nnote 1000 {0}\n", size));
  target.quota.limit = std::to_string(size);
  const Outcome full = deliver(target);
  REQUIRE(full.dsn == mail::Dsn(5, 2, 2));
  REQUIRE(full.reason == quota_exceeded);
  REQUIRE(files(target.path + "/tmp").empty());
  REQUIRE(files(target.path + "/new").size() == 1);
  target.quota.is_temporary = true;
  REQUIRE(deliver(target).dsn == mail::Dsn(4, 2, 2));
}

TEST_CASE("books that cannot be read turn nobody away") {
  const TestDirectory directory;
  const MaildirTarget target{.path = directory / "Maildir", .below = "", .host = "h", .quota = {&test_books, "broken", false}};
  const Outcome outcome = deliver(target);
  REQUIRE(outcome.ok());
  REQUIRE(outcome.warnings == std::vector<std::string>{"quota of " + target.path + ": cannot be read"});
}

TEST_CASE("a folder's books are those of the Maildir above it") {
  const TestDirectory directory;
  REQUIRE(deliver({.path = directory / "Maildir", .below = "", .host = "h", .quota = {}}).ok());
  REQUIRE(deliver({.path = "Maildir/.Lists", .below = directory.path(), .host = "h", .quota = {}}).ok());
  write_whole(directory / "Maildir/.Lists/maildirfolder", "");
  REQUIRE(deliver({.path = "Maildir/.Lists", .below = directory.path(), .host = "h", .quota = {&test_books, "1000", false}}).ok());
  REQUIRE(std::filesystem::exists(directory / "Maildir/books"));
  REQUIRE_FALSE(std::filesystem::exists(directory / "Maildir/.Lists/books"));
}

TEST_CASE("whether there is room is told without a delivery") {
  const TestDirectory directory;
  const MaildirTarget target{.path = directory / "Maildir", .below = "", .host = "", .quota = {&test_books, "1000", false}};
  REQUIRE(check_room(target, 999).ok());
  REQUIRE(check_room(target, 1000).dsn == mail::Dsn(5, 2, 2));
  REQUIRE_FALSE(std::filesystem::exists(target.path));
  write_whole(target.path, "");
  REQUIRE(check_room(target, 1).dsn == mail::Dsn(5, 2, 0));
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
