// A delivery that is killed at each of its system calls, and then made again: nothing lost, nothing damaged, and at most
// the one message that was in flight twice.

#include "lib/mailbox/maildir.h"
#include "lib/mailbox/mbox.h"
#include "lib/mailbox/test_message.h"
#include "lib/testing/kill_at.h"
#include "lib/testing/catch.h"

namespace mailbox {
namespace {

constexpr std::string_view text = "Subject: s\n\nFrom here\n";
const std::string before = "From a@b  Tue Nov 24 06:44:01 2026\nSubject: other\n\nx\n\n";

Outcome to_mbox(const std::string& path) {
  const TestMessage message(text);
  MboxTarget to;
  to.path = path;
  to.rules.owner = ::geteuid();
  to.rules.group = ::getegid();
  to.locks = {true, false, true};
  Content content = message.content(Format::mbox);
  return append_to_mbox(to, content, LockHolder::self());
}

std::string mbox_form() {
  const TestMessage message(text);
  return all_of(message.content(Format::mbox));
}

TEST_CASE("an mbox delivery killed at any step") {
  const std::string form = mbox_form();
  int step = 1;
  for (;; ++step) {
    const TestDirectory directory;
    const std::string path = directory / "alice";
    write_whole(path, before);
    const auto end = testing::kill_at_system_call(step, [&] { static_cast<void>(to_mbox(path).ok()); });
    if (end == testing::CrashEnd::cannot_trace) {
      WARN("ptrace is not allowed here: not tested");
      return;
    }
    INFO("step " << step);
    const std::string left = read_whole(path);
    REQUIRE(left.starts_with(before));
    REQUIRE(form.starts_with(left.substr(before.size())));
    if (end == testing::CrashEnd::finished) {
      REQUIRE(left == before + form);
      break;
    }
    REQUIRE(to_mbox(path).ok());
    REQUIRE(read_whole(path) == before + form);  // not even twice: the complete tail is recognised
    REQUIRE_FALSE(std::filesystem::exists(path + ".lock"));
  }
  REQUIRE(step > 10);
}

TEST_CASE("a Maildir delivery killed at any step") {
  int step = 1;
  for (;; ++step) {
    const TestDirectory directory;
    const MaildirTarget target{directory / "Maildir", "", "host.test", 0};
    const auto deliver = [&] {
      const TestMessage message(text);
      Content content = message.content(Format::maildir);
      return deliver_to_maildir(target, content);
    };
    const auto end = testing::kill_at_system_call(step, [&] { static_cast<void>(deliver().ok()); });
    if (end == testing::CrashEnd::cannot_trace) {
      WARN("ptrace is not allowed here: not tested");
      return;
    }
    INFO("step " << step);
    if (end == testing::CrashEnd::killed) REQUIRE(deliver().ok());
    const TestMessage message(text);
    const std::string whole = all_of(message.content(Format::maildir));
    int found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(target.path + "/new")) {
      REQUIRE(read_whole(entry.path()) == whole);
      ++found;
    }
    REQUIRE((found == 1 || (found == 2 && end == testing::CrashEnd::killed)));
    if (end == testing::CrashEnd::finished) break;
  }
  REQUIRE(step > 10);
}

}  // namespace
}  // namespace mailbox
