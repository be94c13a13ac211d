// Names, failures, files of users, mechanisms.

#include "services/authd/failures.h"
#include "services/authd/mechanisms.h"
#include "services/authd/passwd_file.h"
#include "services/authd/tickets.h"
#include "services/authd/users.h"

#include "lib/testing/catch.h"

namespace authd {
namespace {

using std::chrono_literals::operator""s;

class TestClock final : public base::Clock {
 public:
  [[nodiscard]] Deadline now() const override { return now_; }
  void go_on(std::chrono::seconds by) { now_ += by; }

 private:
  Deadline now_{1000s};
};

std::optional<std::string> formatted(std::string_view format, std::string_view realm, std::string_view name) {
  const auto read = NameFormat::parse(format, realm);
  REQUIRE(read.has_value());
  return read->apply(name);
}

TEST_CASE("a name gets its form") {
  CHECK(formatted("%u", "", "Alice") == "Alice");
  CHECK(formatted("%Lu", "example.test", "Alice") == "alice@example.test");
  CHECK(formatted("%n", "", "alice@example.test") == "alice");
  CHECK(formatted("%d/%Ln%%", "", "Alice@example.test") == "example.test/alice%");
  CHECK(formatted("%n", "example.test", "a@b@c") == "a@b");
}

TEST_CASE("what a client says is never taken for a variable") {
  CHECK(formatted("%u", "", "%n%d%u") == "%n%d%u");
  CHECK(formatted("%u", "", "%{user}") == "%{user}");
}

TEST_CASE("what is no name is none") {
  for (const std::string_view name : {std::string_view(""), std::string_view("a\nb"), std::string_view("a\0b", 3), std::string_view("a\xff"), std::string_view("a\x7f")}) {
    CHECK(formatted("%u", "", name) == std::nullopt);
  }
  CHECK(formatted("%u", "", std::string(300, 'u')) == std::nullopt);
  CHECK(formatted("%d", "", "alice") == std::nullopt);
}

TEST_CASE("a format with a variable that is none is an error") {
  for (const char* format : {"%x", "%", "%L", "%{user}"}) CHECK_FALSE(NameFormat::parse(format, "").has_value());
}

TEST_CASE("the wait doubles with each failure, to a limit, and failures are forgotten") {
  TestClock clock;
  Failures failures(2s, 15s, clock);
  const auto fail = [&](std::string_view address) {
    REQUIRE(failures.begin(address));
    failures.failed(address);
    failures.end(address);
  };
  CHECK(failures.wait("192.0.2.1") == 0s);
  for (const auto expected : {2s, 4s, 8s, 15s, 15s}) {
    fail("192.0.2.1");
    CHECK(failures.wait("192.0.2.1") == expected);
  }
  CHECK(failures.wait("192.0.2.2") == 0s);
  clock.go_on(121s);
  CHECK(failures.count("192.0.2.1") == 3);
  CHECK(failures.wait("192.0.2.1") == 8s);
  clock.go_on(600s);
  CHECK(failures.wait("192.0.2.1") == 0s);
}

TEST_CASE("a network of IPv6 is one client") {
  TestClock clock;
  Failures failures(2s, 15s, clock);
  REQUIRE(failures.begin("2001:db8::1"));
  failures.failed("2001:db8::1");
  CHECK(failures.count("2001:db8::ffff") == 1);
  CHECK(failures.count("2001:db8:0:1::1") == 0);
}

TEST_CASE("one client has only so many logins under way") {
  TestClock clock;
  Failures failures(2s, 15s, clock);
  for (int i = 0; i < logins_limit; ++i) CHECK(failures.begin("192.0.2.1"));
  CHECK_FALSE(failures.begin("192.0.2.1"));
  CHECK(failures.begin("192.0.2.2"));
  failures.end("192.0.2.1");
  CHECK(failures.begin("192.0.2.1"));
}

TEST_CASE("a file of users is read as Dovecot's") {
  const auto file = PasswdFile::parse(
      "# comment\n\nalice:{PLAIN}a:b\nbob:{SHA}x:1000:1000:Bob:/home/bob:/bin/sh:allow_nets=192.0.2.0/24,2001:db8::/32 x=y\n"
      "carol:{PLAIN}c::::::nologin\ndave:d::::::allow_nets=\nalice:{PLAIN}other\n");
  REQUIRE(file.has_value());
  REQUIRE(file->find("alice") != nullptr);
  CHECK(file->find("alice")->password == "{PLAIN}a");
  CHECK(file->find("alice")->lets_in("203.0.113.1"));
  CHECK(file->find("bob")->lets_in("192.0.2.77"));
  CHECK(file->find("bob")->lets_in("2001:db8::1"));
  CHECK_FALSE(file->find("bob")->lets_in("203.0.113.1"));
  CHECK_FALSE(file->find("bob")->lets_in("unknown"));
  CHECK_FALSE(file->find("carol")->lets_in("192.0.2.1"));
  CHECK_FALSE(file->find("dave")->lets_in("192.0.2.1"));
  CHECK(file->find("") == nullptr);
  CHECK(file->has_plain());
  CHECK_FALSE(file->has_secret());
}

TEST_CASE("an error of such a file names the line and no password") {
  CHECK(PasswdFile::parse("alice:{PLAIN}a\nhunter2\n").error().message() == "line 2: needs user:password");
  CHECK(PasswdFile::parse(":hunter2\n").error().message() == "line 1: needs user:password");
  CHECK(PasswdFile::parse("a:hunter2::::::allow_nets=x/99\n").error().message().find("hunter2") == std::string::npos);
}

TEST_CASE("mechanisms are named in main.cf") {
  const auto wanted = parse_mechanisms("plain, LOGIN cram-md5 plain");
  REQUIRE(wanted.has_value());
  CHECK(wanted->size() == 3);
  CHECK(parse_mechanisms("ntlm").error().message() == "auth_mechanisms: \"ntlm\" is not there");
}

TEST_CASE("a ticket is good once, for its service and session, and not for long") {
  TestClock clock;
  Tickets tickets(clock);
  const std::string first = tickets.issue("alice", "imap", "7").value_or("");
  CHECK(first.size() == 32);
  CHECK(tickets.redeem(first, "imap", "7") == "alice");
  CHECK(!tickets.redeem(first, "imap", "7"));
  for (const auto& [service, session] : {std::pair("pop3", "7"), std::pair("imap", "8")}) {
    const std::string ticket = tickets.issue("alice", "imap", "7").value_or("");
    CHECK(!tickets.redeem(ticket, service, session));
    CHECK(!tickets.redeem(ticket, "imap", "7"));
  }
  const std::string late = tickets.issue("alice", "imap", "7").value_or("");
  clock.go_on(10s);
  CHECK(!tickets.redeem(late, "imap", "7"));
  CHECK(!tickets.redeem("", "imap", "7"));
}

TEST_CASE("who collects tickets without end gets no more of them until they are old") {
  TestClock clock;
  Tickets tickets(clock);
  for (std::size_t i = 0; i < tickets_limit; ++i) REQUIRE(tickets.issue("alice", "imap", "7"));
  CHECK(!tickets.issue("alice", "imap", "7"));
  clock.go_on(11s);
  CHECK(tickets.issue("alice", "imap", "7"));
}

}  // namespace
}  // namespace authd
