#include "lib/config/master_cf.h"

#include "lib/testing/catch.h"

using config::MasterEntry;
using config::ServiceType;
using std::chrono_literals::operator""s;

namespace {

std::vector<MasterEntry> parse(std::string_view text) {
  auto entries = config::parse_master_cf(text, "master.cf", {.chroot = false, .process_limit = 100});
  REQUIRE(entries.has_value());
  return *entries;
}

std::string error_of(std::string_view text) {
  const auto entries = config::parse_master_cf(text, "master.cf", {});
  return entries ? "none" : entries.error().message();
}

}  // namespace

TEST_CASE("a service has eight columns and defaults") {
  const auto entries = parse(
      "# comment\n"
      "smtp      inet  n       -       y       -       -       smtpd\n"
      "\n"
      "flush     unix  n       -       -       1000?   0       flush\n"
      "postlog   unix-dgram n  n       n       60      1       postlogd\n");
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].label() == "smtp/inet");
  CHECK_FALSE(entries[0].is_private);
  CHECK(entries[0].unprivileged);
  CHECK(entries[0].chroot);
  CHECK(entries[0].process_limit == 100);
  CHECK(entries[0].wakeup == 0s);
  CHECK(entries[1].wakeup == 1000s);
  CHECK(entries[1].wakeup_when_used);
  CHECK(entries[1].process_limit == 0);
  CHECK_FALSE(entries[1].chroot);
  CHECK(entries[2].type == ServiceType::unix_datagram);
  CHECK_FALSE(entries[2].unprivileged);
  CHECK(entries[2].where() == "master.cf: line 5");
}

TEST_CASE("options are taken in every form") {
  const auto entries = parse(
      "127.0.0.1:10025 inet n - n - - smtpd -v\n"
      "  -o a=b\n"
      "# between\n"
      "  -o { c = d  e } -of=g {-v} { x y }\n");
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].overrides() == std::vector<std::string>{"a=b", "c=d  e", "f=g"});
  CHECK(entries[0].arguments ==
        std::vector<std::string>{"-v", "-o", "a=b", "-o", "c=d  e", "-o", "f=g", "-v", "x y"});
}

TEST_CASE("macros of others stay as they are") {
  const auto entries = parse("m unix - n n - - pipe flags=R user=nobody argv=/bin/x -o a ${recipient} $nexthop!rmail\n");
  CHECK(entries[0].overrides().empty());
  CHECK(entries[0].arguments.back() == "$nexthop!rmail");
}

// The words are those of Postfix's master.
TEST_CASE("a mistake is an error with its place") {
  struct Case {
    std::string_view text, error;
  };
  constexpr Case cases[] = {
      {"foo", "master.cf: line 1: missing \"transport type\" field"},
      {"foo unix", "master.cf: line 1: missing \"private\" field"},
      {"foo unix - - -", "master.cf: line 1: missing \"wakeup_time\" field"},
      {"foo unix - - - - -", "master.cf: line 1: missing \"command\" field"},
      {"#\nfoo bar - - - - - smtpd", "master.cf: line 2: bad transport type: bar"},
      {"foo UNIX - - - - - smtpd", "master.cf: line 1: bad transport type: UNIX"},
      {"foo unix x - - - - smtpd", "master.cf: line 1: field \"private\": bad value: \"x\""},
      {"foo unix y x - - - smtpd", "master.cf: line 1: field \"unprivileged\": bad value: \"x\""},
      {"foo unix y y Y - - smtpd", "master.cf: line 1: field \"chroot\": bad value: \"Y\""},
      {"foo unix y y y -1 - smtpd", "master.cf: line 1: field \"wakeup_time\": bad value: \"-1\""},
      {"foo unix y y y 1s - smtpd", "master.cf: line 1: field \"wakeup_time\": bad value: \"1s\""},
      {"foo unix y y y 1? x smtpd", "master.cf: line 1: field \"max_proc\": bad value: \"x\""},
      {"foo inet y y y - - smtpd", "master.cf: line 1: inet service cannot be private"},
      {"foo unix - - - - - sm/tpd", "master.cf: line 1: field \"command\": bad value: \"sm/tpd\""},
      {"foo unix - - - - - a -o {b=c", "master.cf: line 1: missing '}' in \"{b=c\""},
      {"foo unix - - - - - a -o {b=c}d", "master.cf: line 1: syntax error after '}' in \"{b=c}d\""},
      {"foo unix - - - - - a -o { b }", "master.cf: line 1: missing '=' after attribute name: \"b\""},
      {"foo unix - - - - - a -o", "master.cf: line 1: option -o requires a name=value argument"},
  };
  for (const Case& one : cases) CHECK(error_of(one.text) == one.error);
  const auto lines = config::parse_master_lines("foo unix - - - - -", "master.cf");
  CHECK(lines.error().message() == "file master.cf: line 1: bad field count");
}

TEST_CASE("master_service_disable takes out what its first item that fits means") {
  const std::string_view text = "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\nsmtp unix - - n - - smtp\n";
  const auto left = [&](std::string_view list) {
    auto entries = config::parse_master_cf(text, "master.cf", {});
    REQUIRE(entries);
    config::remove_disabled(*entries, list);
    std::string labels;
    for (const config::MasterEntry& entry : *entries) labels += entry.label() + " ";
    return labels;
  };
  CHECK(left("") == "smtp/inet submission/inet smtp/unix ");
  CHECK(left("inet") == "smtp/unix ");
  CHECK(left("smtp/inet, nosuch/unix") == "submission/inet smtp/unix ");
  CHECK(left("smtp.inet") == "submission/inet smtp/unix ");
  CHECK(left("!submission/inet inet") == "submission/inet smtp/unix ");
  CHECK(left("inet, !submission/inet") == "smtp/unix ");
}
