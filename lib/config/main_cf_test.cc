#include "lib/config/main_cf.h"

#include "lib/config/level.h"
#include "lib/config/record.h"
#include "smtpd/smtpd_params.h"

#include "lib/testing/catch.h"

using config::Main;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;

namespace {

Main parse(std::string_view text, std::vector<std::string> overrides = {}) {
  auto main = Main::parse(text, "/etc/postfix", overrides);
  REQUIRE(main.has_value());
  return *main;
}

std::string error_of(std::string_view text) {
  const auto main = Main::parse(text, "/etc/postfix");
  return main ? "none" : main.error().message();
}

// What is wrong with smtpd's parameters.
std::string load_error(std::string_view text) {
  const auto params = smtpd::Params::load(parse(text));
  return params ? "none" : params.error().message();
}

}  // namespace

TEST_CASE("lines are continued over comments, and the later entry wins") {
  const Main main = parse("# c\nmail_name = a\n  b\n# comment\n\n   c\nmail_name= later\n");
  CHECK(main.expand("mail_name").value() == "later");
  REQUIRE(main.warnings().size() == 1);
  CHECK(main.warnings()[0] == "/etc/postfix/main.cf, line 7: overriding earlier entry: mail_name=a  b   c");
  CHECK(main.find("mail_name")->line == 7);
}

TEST_CASE("a line that is no setting is an error with its place") {
  CHECK(error_of("a=b\nmail_name\n") == "/etc/postfix/main.cf, line 2: missing '=' after attribute name: \"mail_name\"");
  CHECK(error_of("mail_name x = y") == "/etc/postfix/main.cf, line 1: missing '=' after attribute name: \"mail_name x = y\"");
  CHECK(error_of("= y") == "/etc/postfix/main.cf, line 1: missing attribute name: \"= y\"");
}

TEST_CASE("a first line that continues nothing is ignored, and told of") {
  const Main main = parse(" mail_name = x\nmyorigin = y\n");
  CHECK(main.find("mail_name") == nullptr);
  CHECK(main.warnings()[0] ==
        "/etc/postfix/main.cf: logical line must not start with whitespace: \" mail_name = x\"");
}

TEST_CASE("overrides win over the file") {
  const Main main = parse("mail_name = a\n", {"mail_name=b", "user_defined = $mail_name"});
  CHECK(main.expand("user_defined").value() == "b");
  CHECK(main.find("mail_name")->where() == "-o mail_name=b");
  CHECK(main.with("mail_name", "c").expand("user_defined").value() == "c");
  CHECK(main.expand("user_defined").value() == "b");
}

TEST_CASE("defaults come from the records, and old names still work") {
  const Main main = parse("virtual_maps = hash:/x\n");
  CHECK(main.expand("virtual_alias_maps").value() == "hash:/x");
  CHECK(main.integer("smtp_destination_recipient_limit").value() == 50);
  CHECK(main.integer("local_destination_recipient_limit").value() == 1);
  CHECK(parse("relay_destination_recipient_limit=7").integer("relay_destination_recipient_limit").value() == 7);
  CHECK(main.expand("config_directory").value() == "/etc/postfix");
  CHECK(main.get("nobody_knows").value() == std::nullopt);
  CHECK(main.expand("nobody_knows").value().empty());
}

TEST_CASE("defaults follow compatibility_level") {
  CHECK(parse("").boolean("append_dot_mydomain").value());
  CHECK_FALSE(parse("compatibility_level = 3.6").boolean("append_dot_mydomain").value());
}

TEST_CASE("the host's names are found out") {
  const Main bare = parse("myhostname = alfa\n");
  CHECK(bare.expand("mydomain").value() == "localdomain");
  CHECK(parse("myhostname = a.b.c\n").expand("mydomain").value() == "b.c");
  CHECK(parse("mydomain = x.y\n").expand("myhostname").value().ends_with(".x.y"));
  CHECK(parse("inet_interfaces = 127.0.0.1\nmynetworks_style = host\n").expand("mynetworks").value() == "127.0.0.1/32");
  CHECK(parse("inet_interfaces =\n").expand("mynetworks").value().empty());
}

TEST_CASE("stress changes what depends on it") {
  const Main calm = parse("");
  CHECK(calm.time("smtpd_timeout").value() == 300s);
  CHECK(calm.with("stress", "yes").time("smtpd_timeout").value() == 10s);
}

// The words are Postfix's.
TEST_CASE("a value that cannot be is named") {
  CHECK(load_error("smtpd_helo_required = maybe") == "bad boolean configuration: smtpd_helo_required = maybe");
  CHECK(load_error("smtpd_helo_required = YES") == "none");
  CHECK(load_error("smtpd_recipient_limit = 0") == "invalid smtpd_recipient_limit parameter value 0 < 1");
  CHECK(load_error("smtpd_recipient_limit = 12x") == "bad numerical configuration: smtpd_recipient_limit = 12x");
  CHECK(load_error("smtpd_recipient_limit = 99999999999") ==
        "bad numerical configuration: smtpd_recipient_limit = 99999999999");
  CHECK(load_error("smtpd_client_ipv4_prefix_length=33") == "invalid smtpd_client_ipv4_prefix_length parameter value 33 > 32");
  CHECK(load_error("smtpd_timeout = 10q") == "parameter smtpd_timeout: bad time value or unit: 10q");
  CHECK(load_error("smtpd_timeout = 100000000d") == "parameter smtpd_timeout: bad time value or unit: 100000000d");
  CHECK(load_error("smtpd_timeout = 0") == "invalid smtpd_timeout: 0 (min 1)");
  CHECK(load_error("smtpd_banner =") == "bad string length 0 < 1: smtpd_banner = ");
}

TEST_CASE("a bare number has the unit of the default") {
  CHECK(parse("maximal_queue_lifetime = 2").time("maximal_queue_lifetime").value() == 48h);
  CHECK(parse("smtpd_timeout = 2m").time("smtpd_timeout").value() == 120s);
}

TEST_CASE("compatibility levels compare part by part") {
  using config::Level;
  CHECK(Level::parse("3.10").value() > Level::parse("3.9").value());
  CHECK(Level::parse("2").value() == Level::parse("2.0.0").value());
  for (const auto* bad : {"", "x", "3.", "1.2.3.4", "-1"}) CHECK_FALSE(Level::parse(bad).has_value());
}

TEST_CASE("the table is sorted by name") {
  const auto all = config::records();
  CHECK(all.size() > 900);
  CHECK(std::ranges::is_sorted(all, {}, &config::Record::name));
}
