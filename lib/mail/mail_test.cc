#include <chrono>
#include <cstdlib>
#include <ctime>

#include "lib/mail/address.h"
#include "lib/mail/body_walk.h"
#include "lib/mail/check_rule.h"
#include "lib/mail/date.h"
#include "lib/mail/dsn.h"
#include "lib/mail/dsn_parameters.h"
#include "lib/mail/header.h"
#include "lib/mail/header_addresses.h"
#include "lib/mail/mapped_addresses.h"
#include "lib/mail/verp.h"

#include "lib/testing/catch.h"

using mail::Dsn;
using mail::HeaderAddresses;

namespace {

constexpr std::size_t token_limit = 10240;

// What trivial-rewrite would do to the addresses of the recorded field: append the domain, go on with the rest.
std::string rewritten(std::string_view value) {
  HeaderAddresses field = HeaderAddresses::parse(value, token_limit);
  for (std::size_t i = 0; i < field.size(); ++i) {
    std::string address = field[i];
    if (address == "a@x.test") address = "RCPT@x.test";
    else if (address == "host!user") address = "user@host";
    else if (address.ends_with('.')) address.pop_back();
    else if (address.find('@') == std::string::npos || address.ends_with('"')) address += "@example.test";
    field.replace(i, address);
  }
  return field.text(3);
}

std::vector<std::string> addresses(std::string_view value) {
  const HeaderAddresses field = HeaderAddresses::parse(value, token_limit);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < field.size(); ++i) out.push_back(field[i]);
  return out;
}

}  // namespace

TEST_CASE("what a table says of an address becomes complete addresses") {
  const mail::CompleteAddress complete = [](const std::string& external) -> Result<std::string> {
    if (external == "broken") return base::fail("rewrite is down");
    return external.contains('@') ? external : external + "@origin.test";
  };
  const auto mapped = [&](std::string_view text, std::string_view extension) {
    return mail::mapped_addresses(text, "user+x@asked.test", extension, 100, complete);
  };
  using Strings = std::vector<std::string>;
  CHECK(mapped("a, Foo <b@c.test>", "").value() == Strings{"a@origin.test", "b@c.test"});
  CHECK(mapped("a, b+x@c.test", "+x").value() == Strings{"a+x@origin.test", "b+x@c.test"});
  CHECK(mapped("@there.test", "+x").value() == Strings{"user+x@there.test"});
  CHECK(mapped("\"quo ted\"@c.test", "").value() == Strings{"quo ted@c.test"});
  CHECK(mapped("(nobody)", "").value().empty());
  CHECK_FALSE(mapped("broken", ""));
}

TEST_CASE("enhanced status codes are three numbers of RFC 3463") {
  CHECK(Dsn::parse("5.1.1") == Dsn(5, 1, 1));
  CHECK(Dsn::parse("2.999.999") == Dsn(2, 999, 999));
  CHECK(Dsn(4, 4, 7).with_class(5).text() == "5.4.7");
  for (const char* bad : {"", "5", "5.", "5.1", "5.1.", "1.1.1", "3.0.0", "5.1000.1", "5.1.1x", "5.1.1 text", "-5.1.1"}) {
    CHECK_FALSE(Dsn::parse(bad));
  }
  std::string_view text = "5.7.1  Relay access denied";
  CHECK(Dsn::parse_prefix(text) == Dsn(5, 7, 1));
  CHECK(text == "Relay access denied");
  text = "no code here";
  CHECK_FALSE(Dsn::parse_prefix(text));
  CHECK(text == "no code here");
}

TEST_CASE("a sender says which notices he wants") {
  namespace notify = mail::notify;
  CHECK(notify::parse("success,FAILURE,success") == (notify::success | notify::failure));
  CHECK(notify::parse(",never") == notify::never);
  for (const char* bad : {"", ",", "NEVER,DELAY", "later", "SUCCESS,later"}) CHECK_FALSE(notify::parse(bad));
  CHECK(notify::text(notify::success | notify::delay) == "SUCCESS,DELAY");
  CHECK(notify::text(notify::never) == "NEVER");
  CHECK(notify::without_success(notify::success) == notify::never);
  CHECK(notify::without_success(notify::success | notify::delay) == notify::delay);
  CHECK(notify::without_success(0) == 0);
  CHECK(mail::ret::parse("hdrs") == mail::ret::headers);
  CHECK(mail::ret::text(mail::ret::full) == "FULL");
  CHECK_FALSE(mail::ret::parse("some"));
  CHECK(mail::parse_orcpt("rfc822;a+2Bb@c") == "rfc822;a+b@c");
  for (const char* bad : {"", "rfc822", ";a", "rfc 822;a", "rfc822;a+0Ab", "rfc822;a+FFb"}) CHECK_FALSE(mail::parse_orcpt(bad));
}

TEST_CASE("addresses go from internal to external form and back") {
  const struct {
    const char *internal, *external;
  } table[] = {
      {"", ""},
      {"user@example.com", "user@example.com"},
      {"john smith@example.com", "\"john smith\"@example.com"},
      {"a.@x.test", "\"a.\"@x.test"},
      {".b@x.test", "\".b\"@x.test"},
      {"a..b@x.test", "\"a..b\"@x.test"},
      {"a@b@x.test", "\"a@b\"@x.test"},
      {"@x.test", "\"\"@x.test"},
      {"user%dom@x.test", "user%dom@x.test"},
      {"a\"b\\c@x.test", "\"a\\\"b\\\\c\"@x.test"},
      {"plain", "plain"},
      {"j\xc3\xb6@x.test", "j\xc3\xb6@x.test"},
      {"joe@[127.0.0.1]", "joe@[127.0.0.1]"},
  };
  for (const auto& row : table) {
    CHECK(mail::to_external(row.internal) == row.external);
    CHECK(mail::to_internal(row.external) == row.internal);
  }
}

TEST_CASE("an extension is split off where neither part becomes empty and the name has no meaning of its own") {
  const struct {
    const char *local, *delimiters, *user, *extension;
    bool has;
  } table[] = {
      {"user+ext", "+", "user", "ext", true},         {"user+a+b", "+", "user", "a+b", true},
      {"user-a+b", "+-", "user", "a+b", true},        {"user+", "+", "user+", "", false},
      {"+ext", "+", "+ext", "", false},               {"user", "+", "user", "", false},
      {"owner-list", "-", "owner-list", "", false},   {"list-request", "-", "list-request", "", false},
      {"owner-list+x", "+", "owner-list", "x", true}, {"MAILER-DAEMON", "-", "MAILER-DAEMON", "", false},
      {"double-bounce", "-", "double-bounce", "", false},
      {"user+ext", "", "user+ext", "", false},
  };
  for (const auto& row : table) {
    const auto parts = mail::split_extension(row.local, {row.delimiters});
    CHECK(parts.user == row.user);
    CHECK(parts.extension == row.extension);
    CHECK(parts.has_extension == row.has);
  }
  const mail::Delimiters plain{"-", false};
  CHECK(mail::split_extension("owner-list", plain).user == "owner");
  CHECK(mail::split_extension("list-request", plain).extension == "request");
  CHECK_FALSE(mail::split_extension("double-bounce", plain).has_extension);
}

TEST_CASE("paths are taken and refused as by Postfix") {
  const struct {
    const char *path, *internal;
  } good[] = {
      {"<>", ""},
      {"<a@b.test>", "a@b.test"},
      {" <a@b.test>", "a@b.test"},
      {"<<a@b.test>>", "a@b.test"},
      {"<a@b.test>>", "a@b.test"},
      {"<@x,@y:a@b.test>", "a@b.test"},
      {"<@x:a@b.test>", "a@b.test"},
      {"<a..b@c.test>", "a..b@c.test"},
      {"<\"a b\"@c.test>", "a b@c.test"},
      {"<\"a\\\"b\"@c.test>", "a\"b@c.test"},
      {"<a\\ b@c.test>", "a b@c.test"},
      {"<a@b@c.test>", "a@b@c.test"},
      {"<a@[1.2.3.4]>", "a@[1.2.3.4]"},
      {"<a@[IPv6:::1]>", "a@[IPv6:::1]"},
      {"<a@b_c.test>", "a@b_c.test"},
      {"<a@b.test.>", "a@b.test."},
      {"<a:b@c.test>", "a:b@c.test"},
      {"<\xc3\xbc@b.test>", "\xc3\xbc@b.test"},
      {"< a@b.test >", "a@b.test"},
      {"<a>", "a"},
      {"<\"\">", ""},
      {"<a%b@c.test>", "a%b@c.test"},
      {"<a!b>", "a!b"},
  };
  for (const auto& row : good) {
    for (const bool strict : {false, true}) {
      const auto got = mail::parse_path(row.path, {.strict_envelopes = strict});
      REQUIRE(got);
      CHECK(*got == row.internal);
    }
  }
  const char* bad[] = {"<a@b.test",    "<\"a\"+x@b.test>", "<a@@b.test>", "<a b@c.test>",      "<\"a b@c.test>",   "<a@>",       "<a@[1.2.3.999]>", "<a@1.2.3.4>", "<-a@b.test>", "<-a>",
                       "<a@-b.test>",  "<a@b..test>",       "<a@.b.test>",      "<a,b@c.test>", "<a;b@c.test>",  "<a@b\tc.test>",
                       "<a@xn--.test>", "<a@b.test><c@d.test>", "a b",           "<a@b$c.test>", "<a@b c.test>", "Joe <a@b.test>",
                       "<a@b.t\xc3\xbcst>", "<a\rb@c.test>", "<\"a\nb\"@c.test>", "<a\\", "<a\\>", "<(a@b.test>", "<a@[1.2.3.4>"};
  for (const char* path : bad) {
    CHECK_FALSE(mail::parse_path(path, {}));
    CHECK_FALSE(mail::parse_path(path, {.strict_envelopes = true}));
  }
  for (const char* path : {"a@b.test", "a@b.test>", "<a@b.test (c)>", "<(c)a@b.test>", "<@b.test>", "<\"\"@b.test>"}) {
    CHECK(mail::parse_path(path, {}));
    CHECK_FALSE(mail::parse_path(path, {.strict_envelopes = true}));
  }
  CHECK(mail::parse_path("<a@>", {.allow_null_domain = true}) == "a@");
  CHECK(mail::parse_path("<a@1.2.3.4>", {.allow_numeric_domain = true}) == "a@1.2.3.4");
  CHECK_FALSE(mail::parse_path("<a@1.2.3.999>", {.allow_numeric_domain = true}));
  CHECK(mail::parse_path("<-a@b.test>", {.allow_min_user = true}) == "-a@b.test");
  CHECK(mail::parse_path("<a@b.t\xc3\xbcst>", {.allow_utf8 = true, .strict_envelopes = true}) == "a@b.t\xc3\xbcst");
  CHECK_FALSE(mail::parse_path("<\xc3@b.test>", {.allow_utf8 = true, .strict_envelopes = true}));
  CHECK_FALSE(mail::parse_path(std::string_view("<a\0b@c.test>", 12), {}));
  CHECK_FALSE(mail::parse_path("<a@" + std::string(64, 'a') + ".test>", {}));
}

TEST_CASE("a VERP sender names its recipient") {
  CHECK(mail::verp_sender("+=", "list@a.test", "user@b.test") == "list+user=b.test@a.test");
  CHECK(mail::verp_sender("-#", "my list@a.test", "a b@b.test") == "my list-a b#b.test@a.test");
  CHECK(mail::verp_sender("+=", "list", "user") == "list+user");
  CHECK(mail::verp_sender("+=", "", "user@b.test").empty());
  CHECK(mail::verp_sender("", "list@a.test", "user@b.test") == "list@a.test");
}

TEST_CASE("xtext carries everything but control characters") {
  CHECK(mail::decode_xtext("a+2Bb+3dc") == "a+b=c");
  CHECK(mail::encode_xtext("a+b=c d") == "a+2Bb+3Dc+20d");
  for (const char* bad : {"+0A", "+0D", "+00", "+", "+2", "a+2", "+zz", "a\nb"}) CHECK_FALSE(mail::decode_xtext(bad));
}

TEST_CASE("host names are labels, not numbers") {
  for (const char* good : {"a", "mail.example.com", "a_b.c", "1a", "xn--bcher-kva.example"}) CHECK(mail::is_valid_hostname(good));
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a-.b", "1.2.3.4", "12", "a b", "a:b", "[a]", "\xc3\xbc"}) {
    CHECK_FALSE(mail::is_valid_hostname(bad));
  }
}

TEST_CASE("a header line has a name and a colon") {
  const auto field = mail::split_header("Subject: hello\n world");
  REQUIRE(field);
  CHECK(field->name == "Subject");
  CHECK(field->value == " hello\n world");
  CHECK(mail::unfolded(field->value) == "hello world");
  CHECK(mail::split_header("To : x")->name == "To");
  CHECK(mail::split_header("X:")->value.empty());
  for (const char* bad : {"", ":x", " a: b", "no colon", "two words: x", "caf\xc3\xa9: x", "a\tb:"}) CHECK_FALSE(mail::split_header(bad));
  CHECK(mail::find_header("RESENT-cc")->extracted);
  CHECK(mail::find_header("resent-reply-to")->cls == mail::HeaderClass::recipient);
  CHECK(mail::find_header("X-Foo") == nullptr);
}

TEST_CASE("header addresses are rewritten as by Postfix, the rest of the field kept") {
  const struct {
    const char *value, *expected;
  } recorded[] = {
      {" short (Joe Comment)", " short@example.test (Joe Comment)"},
      {"   \"Joe Q. Public\"   <short>  ,   other", " \"Joe Q. Public\" <short@example.test>, other@example.test"},
      {" grp: a, b <c>, \"d e\"@f.test;, last", " grp: a@example.test, b <c@example.test>, \"d e\"@f.test;,\n\tlast@example.test"},
      {" \"quoted local\"@x.test, \"plainquoted\"@x.test, a\\ b@x.test, z",
       " \"quoted local\"@x.test, plainquoted@x.test, \"a b\"@x.test,\n\tz@example.test"},
      {" Joe Smith <joe>, Jane Doe", " Joe Smith <joe@example.test>, Jane@example.test, Doe@example.test"},
      {" one,\n\ttwo,\n    three", " one@example.test, two@example.test, three@example.test"},
      {" a.@x.test, .b@x.test, \"a@b\"@x.test, user%dom@x.test, host!user",
       " \"a.\"@x.test, \".b\"@x.test, \"a@b\"@x.test, user%dom@x.test,\n\tuser@host"},
      {" <>, <short>", " <>, <short@example.test>"},
      {" joe@[127.0.0.1], joe@x.test.", " joe@[127.0.0.1], joe@x.test"},
      {" =?utf-8?q?J=C3=B6?= <joe>, J\xc3\xb6 <joe>", " =?utf-8?q?J=C3=B6?= <joe@example.test>, J\xc3\xb6 <joe@example.test>"},
      {" undisclosed-recipients:;", " undisclosed-recipients:;"},
      {" (a comment) erin, (c1) bob, bob (c2), (c3) Foo Bar <a@b> (c4), (c5) <a@b>, a (x) @ (y) b, grp: a, (q) b;, (u) \"q r\"@host,"
       " (v) (w) z,\n (k) one,\n two (l)",
       " erin@example.test (a comment), bob@example.test (c1),\n\tbob@example.test (c2), (c3) Foo Bar <a@b>(c4), (c5) <a@b>,\n"
       "\ta@b (x) (y), grp: a@example.test, b@example.test (q);,\n\t\"q r\"@host (u), z@example.test (v) (w), one@example.test (k),\n"
       "\ttwo@example.test (l)"},
      {" <a@x.test> (trailing), (leading) <b>", " <RCPT@x.test>(trailing), (leading) <b@example.test>"},
      {" a@x.test b@x.test", " RCPT@x.test, b@x.test"},
      {" a,,b,", " a@example.test, , b@example.test, "},
      {" \"unterminated <a>, b", " \"unterminated <a>, b\"@example.test"},
      {" (unterminated a, b", " (unterminated a, b"},
      {" user @ example . com, \"a\" b \"c\" <d@e.test>", " user @ example . com, \"a\" b \"c\" <d@e.test>"},
      {" mailto:foo, x:y@z.test", " \"mailto:foo\"@example.test, \"x:y\"@z.test"},
      {" a;b", " a@example.test;, b@example.test"},
      {" John <a@x.test>, plain@y.test (c), <q@z.test>, \"weird \\\" name\" <w>",
       " John <RCPT@x.test>, plain@y.test (c), <q@z.test>,\n\t\"weird \\\" name\" <w@example.test>"},
      {"short", " short@example.test"},
      {" short, grp: a, b", " short@example.test, \"grp:a\"@example.test, b@example.test"},
      {" short, x:y, z;", " short@example.test, x: y@example.test, z@example.test;"},
      {" short, Joe <a> Smith <b>", " short@example.test, Joe <a@example.test>Smith <b@example.test>"},
      {" short, Joe (c) Smith <b>", " short@example.test, Joe (c) Smith <b@example.test>"},
      {" short, [1.2.3.4]", " short@example.test, \"[1.2.3.4]\"@example.test"},
      {" short, a@ b . c", " short@example.test, a@b.c"},
      {" short, (c)", " short@example.test, (c)"},
      {" short,,", " short@example.test, , "},
      {" short, J. R. \"Bob\" Dobbs <jr>", " short@example.test, J.R.\"Bob\" Dobbs <jr@example.test>"},
      {" short, <\"a b\"@c.test>, <a b@c.test>", " short@example.test, <\"a b\"@c.test>, <ab@c.test>"},
  };
  for (const auto& row : recorded) CHECK(rewritten(row.value) == row.expected);
}

TEST_CASE("addresses are taken out of groups, routes and angle brackets") {
  CHECK(addresses(" grp: a, b <c@d.test>;, <@r1,@r2:e@f.test>, \"g h\"@i.test, <>, :;") ==
        std::vector<std::string>{"a", "c@d.test", "e@f.test", "\"g h\"@i.test"});
  CHECK(addresses("@r2.test:user@c.test") == std::vector<std::string>{"user@c.test"});
}

TEST_CASE("any header is parsed in one pass within its token limit") {
  for (const char* unit : {"(", "<", "\"", "a ", "a:", ":", ";", ",", "@", "\\", "[", "<a>", "a(", "a;:", ">"}) {
    std::string bomb;
    while (bomb.size() < 1'000'000) bomb += unit;
    HeaderAddresses field = HeaderAddresses::parse(bomb, token_limit);
    CHECK(field.size() <= token_limit);
    CHECK(field.text(3) == bomb);
    for (std::size_t i = 0; i < field.size(); ++i) field.replace(i, "x@y.test");
    CHECK(field.text(3).size() < 3 * bomb.size() + 200);
  }
  CHECK(addresses("a, b, c").size() == 3);
  CHECK(HeaderAddresses::parse("a, b, c", 3).size() == 2);
}

TEST_CASE("dates have a two-digit day and the zone's name") {
  setenv("TZ", "UTC", 1);
  tzset();
  CHECK(mail::rfc5322_date(Stamp(std::chrono::seconds(1795501499))) == "Tue, 24 Nov 2026 06:24:59 +0000 (UTC)");
  setenv("TZ", "XYZ3:30", 1);
  tzset();
  CHECK(mail::rfc5322_date(Stamp(std::chrono::seconds(1793000000))) == "Mon, 26 Oct 2026 04:03:20 -0330 (XYZ)");
  unsetenv("TZ");
  tzset();
}

TEST_CASE("the actions of header_checks are read as Postfix does") {
  using Action = mail::CheckRule::Action;
  struct Row {
    const char* result;
    mail::CheckedText checked;
    Action action;
    const char* text;
    const char* warning;
  };
  for (const Row& row : {
           Row{"REJECT  no way ", mail::CheckedText::header, Action::reject, "no way", ""},
           Row{"reject", mail::CheckedText::header, Action::reject, "", ""},
           Row{"DUNNO x", mail::CheckedText::header, Action::none, "x", ""},
           Row{"FILTER a", mail::CheckedText::header, Action::none, "", "bad FILTER command a in t -- need transport:destination"},
           Row{"FILTER", mail::CheckedText::header, Action::none, "", "missing FILTER command argument in t map"},
           Row{"BCC bob", mail::CheckedText::header, Action::none, "", "bad BCC address \"bob\" in t map -- need user@domain"},
           Row{"REDIRECT", mail::CheckedText::header, Action::none, "", "bad REDIRECT target \"\" in t map -- need user@domain"},
           Row{"PREPEND x", mail::CheckedText::header, Action::none, "", "bad PREPEND header text \"x\" in t map -- need \"headername: headervalue\""},
           Row{"PREPEND x", mail::CheckedText::body, Action::prepend, "x", ""},
           Row{"REPLACE", mail::CheckedText::body, Action::none, "", "REPLACE action without text in t map"},
           Row{"550 no", mail::CheckedText::header, Action::none, "", "unknown command in t map: 550 no"},
       }) {
    INFO(row.result);
    std::string warning;
    const mail::CheckRule rule = mail::parse_check_rule(row.result, "t", row.checked, warning);
    CHECK(rule.action == row.action);
    CHECK(rule.text == row.text);
    CHECK(warning == row.warning);
  }
}

TEST_CASE("a body is walked by the fields of its parts and the lines between them") {
  class Heard final : public mail::BodyWalk::Handler {
   public:
    void part_field(std::string_view text, bool is_attached) override { out += (is_attached ? "nested " : "part ") + std::string(text) + "|"; }
    void body_line(std::string_view data, bool is_whole, std::size_t offset) override {
      out += std::to_string(offset) + ":" + std::string(data) + (is_whole ? "|" : "~");
    }
    std::string out;
  } heard;
  mail::MimeScan scan({100, 100});
  scan.field("Content-Type: multipart/mixed; boundary=b");
  scan.end_of_header();
  mail::BodyWalk walk(&scan, 12, heard);
  for (const char* line : {"--b", "A: 1", " 2", "", "text", "more", "--b", "Content-Type: message/rfc822", "", "X: y", "no field"}) {
    walk.take(line, true);
  }
  walk.take("half", false);
  walk.take("whole", true);
  walk.finish();
  CHECK(heard.out == "0:--b|part A: 1\n 2|0:|0:text|4:more|8:--b|part Content-Type|0:|nested X: y|0:no field|8:half~12:whole|");
}
