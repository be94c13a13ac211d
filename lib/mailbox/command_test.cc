#include "lib/mailbox/command.h"

#include <fmt/format.h>

#include "lib/mailbox/command_line.h"
#include "lib/mailbox/test_message.h"
#include "lib/testing/catch.h"

namespace mailbox {
namespace {

CommandTarget target(std::string command) {
  CommandTarget to;
  to.command = std::move(command);
  to.environment = {"PATH=/usr/bin:/bin", "USER=alice"};
  to.time_limit = std::chrono::seconds(10);
  return to;
}

CommandResult run(const CommandTarget& to, std::string_view text = "Subject: s\n\nFrom here\n") {
  const TestMessage message(text);
  Content content = message.content(Format::command);
  auto result = run_command(to, content);
  REQUIRE(result);
  return *result;
}

Outcome outcome_of(const std::string& command) { return judge(run(target(command)), command); }

TEST_CASE("which commands get a shell") {
  using Words = std::vector<std::string>;
  REQUIRE(command_arguments("/usr/bin/procmail -a x", "") == Words{"/usr/bin/procmail", "-a", "x"});
  REQUIRE(command_arguments("exit 67", "") == Words{"/bin/sh", "-c", "exit 67"});
  REQUIRE(command_arguments("a \"$B\"", "") == Words{"/bin/sh", "-c", "a \"$B\""});
  REQUIRE(command_arguments("A=b env", "") == Words{"/bin/sh", "-c", "A=b env"});
  REQUIRE(command_arguments("", "") == Words{"/bin/sh", "-c", ""});
  REQUIRE(command_arguments("x y", "/bin/smrsh -c") == Words{"/bin/smrsh", "-c", "x y"});
}

TEST_CASE("a command gets the message and its environment") {
  REQUIRE(run(target("cat; echo $USER")).output ==
          "From s@sender.example  Tue Nov 24 06:44:02 2026\nReturn-Path: <s@sender.example>\nX-Original-To: alice+x\n"
          "Delivered-To: alice+x@example.test\nSubject: s\n\nFrom here\nalice\n");
  REQUIRE(outcome_of("/bin/true").ok());
  REQUIRE(outcome_of("true").ok());
}

TEST_CASE("what a command does not read is not missed") {
  const std::string big(3'000'000, 'x');
  REQUIRE(judge(run(target("exit 0"), big), "exit 0").ok());
  REQUIRE(run(target("wc -c"), big + "\n").output == fmt::format("{}\n", big.size() + 1 + heading_text(TestMessage::heading(), Format::command).size()));
}

TEST_CASE("the output is bounded") { REQUIRE(run(target("yes | head -c 300000")).output.size() == command_output_limit); }

TEST_CASE("exit statuses are those of sysexits") {
  struct Row {
    const char* command;
    mail::Dsn dsn;
    const char* reason;
  };
  const Row rows[] = {
      {"exit 67", {5, 1, 1}, "user unknown"},
      {"exit 75", {4, 3, 0}, "temporary failure"},
      {"exit 1", {5, 3, 0}, "Command died with status 1: \"exit 1\""},
      {"kill -9 $$", {4, 3, 0}, "Command died with signal 9: \"kill -9 $$\""},
      {"echo a; echo b; exit 65", {5, 6, 0}, "data format error. Command output: a b "},
      {"echo 5.3.9 my text; echo second line; exit 1", {5, 3, 9}, "my text second line "},
      {"echo 4.7.1 later; exit 1", {4, 7, 1}, "later "},
  };
  for (const Row& row : rows) {
    const Outcome outcome = outcome_of(row.command);
    REQUIRE(outcome.dsn == row.dsn);
    REQUIRE(outcome.reason == row.reason);
  }
}

TEST_CASE("the diagnosis is what the command said, or what its status means") {
  const auto said = [](const std::string& command) { return diagnosis(run(target(command))); };
  REQUIRE(said("echo 5.7.1 go away; exit 1") == "go away\n");
  REQUIRE(said("echo 5.7.1 fine; exit 0") == "5.7.1 fine\n");
  REQUIRE(said("exit 67") == "user unknown");
  REQUIRE(said("exit 1").empty());
}

TEST_CASE("a command that is not there is tried again later") {
  const CommandResult result = run(target("/no/such/cmd"));
  REQUIRE(result.fatal == std::vector<std::string>{"execvp /no/such/cmd: No such file or directory"});
  const Outcome outcome = judge(result, "/no/such/cmd");
  REQUIRE(outcome.dsn == mail::Dsn(4, 3, 0));
  REQUIRE(outcome.reason ==
          "temporary failure. Command output: local: fatal: execvp /no/such/cmd: No such file or directory ");
  CommandTarget elsewhere = target("true");
  elsewhere.directory = "/no/such/dir";
  REQUIRE(run(elsewhere).fatal == std::vector<std::string>{fmt::format(
      "cannot change directory to \"/no/such/dir\" for uid={} gid={}: No such file or directory", ::geteuid(), ::getegid())});
}

TEST_CASE("arguments reach the program as they are, and its path is looked up") {
  CommandTarget to = target({});
  to.arguments = {"printf", "%s,", "$HOME", "", "two words"};
  REQUIRE(run(to).output == "$HOME,,two words,");
  to.arguments = {"/no/such/cmd"};
  to.agent = "pipe";
  const CommandResult absent = run(to);
  REQUIRE(absent.fatal == std::vector<std::string>{"pipe_command: execvp /no/such/cmd: No such file or directory"});
  REQUIRE(absent.output == "pipe: fatal: " + absent.fatal.front() + "\n");
}

TEST_CASE("what a command gets has the shape that is asked for") {
  const TestMessage message("Subject: s\n\nFrom here\n.\n.dot");
  const auto shaped = [&](Shape shape) { return all_of(Content(message.fd(), 0, std::move(shape))); };
  REQUIRE(shaped({}) == "Subject: s\n\nFrom here\n.\n.dot\n");
  REQUIRE(shaped({.heading = "X: y\r\n", .line_end = "\r\n", .doubles_dots = true, .ends_with_empty_line = true}) ==
          "X: y\r\nSubject: s\r\n\r\nFrom here\r\n..\r\n..dot\r\n\r\n");
  REQUIRE(shaped({.quotes_from = true}) == "Subject: s\n\n>From here\n.\n.dot\n");
}

TEST_CASE("at the time limit the whole group ends") {
  CommandTarget to = target("sleep 100 & sleep 100");
  to.time_limit = std::chrono::seconds(1);
  const CommandResult result = run(to);
  REQUIRE(result.end == CommandEnd::timed_out);
  const Outcome outcome = judge(result, "x");
  REQUIRE(outcome.dsn == mail::Dsn(5, 3, 0));
  REQUIRE(outcome.reason == "Command time limit exceeded: \"x\"");
}

TEST_CASE("a command cannot write files beyond the limit") {
  const TestDirectory directory;
  CommandTarget to = target("head -c 100000 /dev/zero > " + (directory / "f"));
  to.file_size_limit = 1000;
  static_cast<void>(run(to));
  REQUIRE(std::filesystem::file_size(directory / "f") <= 1000);
}

}  // namespace
}  // namespace mailbox
