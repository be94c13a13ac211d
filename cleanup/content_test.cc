#include "cleanup/content.h"
#include "cleanup/fake_addresses.h"
#include "cleanup/full_name.h"

#include "lib/testing/catch.h"

namespace cleanup {
namespace {

using Strings = std::vector<std::string>;

const Stamp arrived{std::chrono::seconds(1795489839)};  // Tue, 24 Nov 2026 03:10:39 UTC
const Stamp created{std::chrono::seconds(1795502658)};  // 20261124064418 UTC

struct Case {
  Policy policy;
  ContentContext context{"75C78483", arrived, created, Context::local, "bob@example.test", ""};
  FakeAddresses addresses;
  FakeOutput output;
  Content::Problem problem = Content::Problem::none;
  std::string message_id;
  bool is_8bit = false;

  // Lines that end in '~' go on in the next. The Received: line that every client writes comes first.
  Strings run(const Strings& lines) {
    policy.myhostname = "mail.example.test";
    output.put(queue::RecordType::message_start, "");
    Content content(addresses, policy, output, context);
    content.take("Received: by t", true);
    for (const std::string& line : lines) {
      const bool goes_on = line.ends_with('~');
      content.take(std::string_view(line).substr(0, line.size() - (goes_on ? 1 : 0)), !goes_on);
    }
    content.finish();
    output.put(queue::RecordType::extracted, "");
    problem = content.problem();
    message_id = content.message_id();
    is_8bit = content.is_8bit();
    Strings out = output.content();
    if (!out.empty() && out.front() == "Received: by t") out.erase(out.begin());
    return out;
  }
};

const std::string message_id = "Message-Id: <20261124064418.75C78483@mail.example.test>";
const std::string date = "Date: Tue, 24 Nov 2026 03:10:39 +0000 (UTC)";
const std::string from = "From: bob@example.test";

Strings with_added(Strings header, const Strings& body = {"", "b"}) {
  for (const std::string& line : {message_id, date, from}) header.push_back(line);
  header.insert(header.end(), body.begin(), body.end());
  return header;
}

}  // namespace

TEST_CASE("header fields are completed, rewritten and dropped as Postfix does") {
  setenv("TZ", "UTC", 1);
  struct Row {
    const char* name;
    Strings in, out;
  };
  const std::vector<Row> rows{
      {"nothing is there", {"", "b"}, with_added({})},
      {"everything is there", {"From: a@b", "Message-ID: <x@y>", "Date: foo", "", "b"},
       {"From: a@b", "Message-ID: <x@y>", "Date: foo", "", "b"}},
      {"empty fields are there", {"From:", "To:", "Date:", "Message-Id:", "Cc:   ", "Reply-To: ", "", "b"},
       {"From:", "To:", "Date:", "Message-Id:", "Cc:   ", "Reply-To: ", "", "b"}},
      {"addresses", {"To: alice, \"Quo ted\" <x>, grp: a,b;", "Cc: X (comment)", "Bcc: z@z", "", "b"},
       with_added({"To: alice@example.test, \"Quo ted\" <x@example.test>,", "\tgrp: a@example.test, b@example.test;",
                   "Cc: X@example.test (comment)"})},
      {"folded", {"To: a,", "  b,\tc", "\td (cmt", "  more) ", "X-Foo: bar", "  baz", "", "b"},
       with_added({"To: a@example.test, b@example.test, c@example.test,", "\td@example.test (cmt   more)",
                   "X-Foo: bar", "  baz"})},
      {"dropped and kept",
       {"Return-Path: <a>", "Content-Length: 3", "bcc: x", "Status: RO", "Apparently-To: z", "Errors-To: q",
        "Delivered-To: d", "", "b"},
       with_added({"Status: RO", "Apparently-To: z@example.test", "Errors-To: q@example.test", "Delivered-To: d"})},
      {"space before the colon", {"Subject : x", "To : a", "", "b"}, with_added({"Subject: x", "To: a@example.test"})},
      {"a dropped Resent-Bcc makes it resent", {"Resent-Bcc: y", "", "b"},
       {"Resent-Message-Id: <20261124064418.75C78483@mail.example.test>", "Resent-" + date, "Resent-" + from, "", "b"}},
      {"resent", {"From: a@b", "Resent-From: b@c", "To: c@d", "", "b"},
       {"From: a@b", "Resent-From: b@c", "To: c@d",
        "Resent-Message-Id: <20261124064418.75C78483@mail.example.test>", "Resent-" + date, "", "b"}},
      {"text ends the header", {"Subject: x", "not a header line", "more: x", "", "b"},
       with_added({"Subject: x"}, {"", "not a header line", "more: x", "", "b"})},
      {"From line", {"From bob Mon Jan 1", "Subject: x", "", "b"},
       with_added({}, {"", "From bob Mon Jan 1", "Subject: x", "", "b"})},
      {"8-bit name", {"S\303\274bject: x", "", "b"}, with_added({}, {"", "S\303\274bject: x", "", "b"})},
      {"empty name", {": x", "", "b"}, with_added({}, {"", ": x", "", "b"})},
      {"a first part without colon is text", {"Sub~", "ject: foo", "To: a"},
       with_added({}, {"", "Sub~", "ject: foo", "To: a"})},
      {"a field in parts", {"Subject: a~", "b~", "c", "", "b"}, with_added({"Subject: abc"})},
      {"no body", {"Subject: x"}, with_added({"Subject: x"}, {})},
      {"stray CR", {"To: a\r", "Subject: x\ry\r", "", "body\r", "bo\rdy"},
       with_added({"To: a@example.test", "Subject: x y "}, {"", "body ", "bo dy"})},
      {"NUL in a header and in a body", {std::string("Subject: a\0b", 12), "", std::string("a\0b", 3)},
       with_added({"Subject: a"}, {"", std::string("a\0b", 3)})},
      {"LF within a record", {"Subject: a\nBcc: evil", "", "b"}, with_added({"Subject: a Bcc: evil"})},
      {"multiple", {"From: a@b", "From: b@c", "Message-Id: <1>", "Message-Id: <2>", "Date: 1", "Date: 2", "", "b"},
       {"From: a@b", "From: b@c", "Message-Id: <1>", "Message-Id: <2>", "Date: 1", "Date: 2", "", "b"}},
      {"fold at 70",
       {"To: u0, u1, u2, u3, u4, u5, u6, u7, u8, u9, u10, u11, u12, u13", "", "b"},
       with_added({"To: u0@example.test, u1@example.test, u2@example.test,",
                   "\tu3@example.test, u4@example.test, u5@example.test, u6@example.test,",
                   "\tu7@example.test, u8@example.test, u9@example.test, u10@example.test,",
                   "\tu11@example.test, u12@example.test, u13@example.test"})},
  };
  for (const Row& row : rows) {
    Case test;
    INFO(row.name);
    CHECK_THAT(test.run(row.in), Catch::Equals(row.out));
  }
}

TEST_CASE("a message from elsewhere keeps its header unless it is asked to be completed") {
  const Strings in{"From: bob", "Subject: x", "Cc: Foo <x>", "", "b"};
  {
    Case test;
    test.context.context = Context::remote;
    CHECK_THAT(test.run(in), Catch::Equals(in));
    CHECK(test.message_id.empty());
  }
  {
    Case test;
    test.context.context = Context::remote;
    test.policy.remote_header_rewrite_domain = "remote.test";
    CHECK_THAT(test.run(in), Catch::Equals(Strings{"From: bob@remote.test", "Subject: x", "Cc: Foo <x@remote.test>",
                                                   message_id, date, "", "b"}));
  }
  {
    Case test;
    test.context.context = Context::remote;
    test.policy.always_add_missing_headers = true;
    test.policy.undisclosed_recipients_header = "To: undisclosed-recipients:;";
    CHECK_THAT(test.run({"Subject: x", "", "b"}),
               Catch::Equals(Strings{"Subject: x", message_id, date, from, "To: undisclosed-recipients:;", "", "b"}));
  }
}

TEST_CASE("undisclosed recipients are named only where no recipient is") {
  struct Row {
    const char* field;
    bool added;
  };
  for (const Row& row : {Row{"Bcc: x", true}, Row{"Apparently-To: x", true}, Row{"To: x", false}, Row{"Cc: x", false},
                         Row{"Resent-Cc: x", false}, Row{"Resent-To: x", false}}) {
    Case test;
    test.policy.undisclosed_recipients_header = "To: undisclosed-recipients:;";
    const Strings out = test.run({row.field, "", "b"});
    INFO(row.field);
    CHECK((std::ranges::find(out, "To: undisclosed-recipients:;") != out.end()) == row.added);
  }
}

TEST_CASE("a From: field is made of full name and sender") {
  struct Row {
    const char *full_name, *sender, *field;
  };
  const Policy policy;
  for (const Row& row : {
           Row{"Full Name", "bob@x", "From: Full Name <bob@x>"},
           Row{"", "bob@x", "From: bob@x"},
           Row{"  ", "bob@x", "From: bob@x"},
           Row{"Full", "", "From: MAILER-DAEMON"},
           Row{"John Q. Public", "bob@x", "From: \"John Q. Public\" <bob@x>"},
           Row{"Full N. \"x\" (y) \\ Name", "bob@x", "From: \"Full N. \\\"x\\\" (y) \\\\ Name\" <bob@x>"},
           Row{"F\303\274ll N\303\244me", "bob@example.test", "From: =?utf-8?Q?F=C3=BCll_N=C3=A4me?= <bob@example.test>"},
           Row{"Full", "\"q uo\"@x", "From: Full <\"q uo\"@x>"},
           Row{"Evil\nBcc: x", "bob@x", "From: \"Evil Bcc: x\" <bob@x>"},
       }) {
    CHECK(from_field("From", row.full_name, row.sender, policy) == row.field);
  }
  Policy obsolete;
  obsolete.from_format = FromFormat::obsolete;
  constexpr std::pair<std::string_view, std::string_view> comments[] = {
      {"Full Name", "Full Name"}, {"A (b", "A (b)"}, {"A) b", "A b"},   {"(a) b (c)", "(a) b (c)"}, {"a\"b", "a\"b"},
      {"a\\(b", "a\\(b"},         {"a\\", "a\\"},     {" a  b ", "a b"}, {"J\u00f6rg", "=?utf-8?Q?J=C3=B6rg?="},
  };
  for (const auto& [full_name, comment] : comments) {
    CHECK(from_field("From", full_name, "bob@x", obsolete) == "From: bob@x (" + std::string(comment) + ")");
  }
}

TEST_CASE("an encoded full name has words of at most 75 characters and no torn letters") {
  std::string name;
  for (int i = 0; i < 12; ++i) name += "F\303\274ll N\303\244me";
  const std::string field = from_field("From", name, "bob@example.test", Policy{});
  CHECK(field.ends_with("\n\t<bob@example.test>"));
  for (const std::string_view line : ascii::split(field, "\n")) {
    CHECK(line.size() <= 6 + 75);
    CHECK_FALSE(line.ends_with("C3?="));
  }
}

TEST_CASE("hops are counted, and a message without any is not taken") {
  {
    Case test;
    test.run(Strings(48, "Received: x"));
    CHECK(test.problem == Content::Problem::none);
  }
  {
    Case test;
    test.run(Strings(49, "Received: x"));
    CHECK(test.problem == Content::Problem::too_many_hops);
  }
  Policy policy;
  FakeAddresses addresses;
  FakeOutput output;
  Content content(addresses, policy, output, {"ID", arrived, created, Context::local, "", ""});
  content.take("Subject: x", true);
  content.finish();
  CHECK(content.problem() == Content::Problem::no_received);
}

TEST_CASE("a header that ends with text can be refused or marked") {
  Case refuse;
  refuse.policy.header_end = HeaderEnd::reject;
  refuse.run({"Subject: x", "text"});
  CHECK(refuse.problem == Content::Problem::no_separator);
  Case mark;
  mark.policy.header_end = HeaderEnd::add_header;
  const Strings out = mark.run({"Subject: x", "text"});
  CHECK(out[4].starts_with("MIME-Error: "));
  CHECK(out[5].empty());
  CHECK(out[6] == "text");
}

TEST_CASE("what exceeds a header's limit is dropped, and long lines become several records") {
  Case test;
  const Strings out = test.run({"Subject: " + std::string(120'000, 'x'), "To: a", "", "b"});
  std::size_t size = 0, records = 0;
  while (records < out.size() && out[records].ends_with('~')) {
    size += out[records].size() - 1;
    CHECK(out[records].size() == 2049);
    ++records;
  }
  CHECK(size + out[records].size() == 102400);
  CHECK(out[records + 1] == "To: a@example.test");
}

TEST_CASE("the encoding is that of any part") {
  struct Row {
    Strings lines;
    bool is_8bit;
  };
  for (const Row& row : {
           Row{{"Content-Transfer-Encoding: 8bit", "", "x"}, true},
           Row{{"Content-Transfer-Encoding: BINARY", "", "x"}, true},
           Row{{"Content-Transfer-Encoding: (c) 8bit (d)", "", "x"}, true},
           Row{{"Content-Transfer-Encoding: base64", "", "\344"}, false},
           Row{{"", "Content-Transfer-Encoding: 8bit"}, false},
           Row{{"Content-Type: multipart/mixed; boundary=foo", "", "--foo", "Content-Transfer-Encoding: 8bit", "", "x", "--foo--"}, true},
           Row{{"Content-Type: multipart/mixed;", "\tboundary=\"f o\"", "", "--f o", "Content-Transfer-Encoding:", " 8bit", "", "x"}, true},
           Row{{"Content-Type: multipart/mixed; boundary=foo", "", "Content-Transfer-Encoding: 8bit", "--foo--"}, false},
           Row{{"Content-Type: multipart/mixed; boundary=foo", "", "--foo", "", "Content-Transfer-Encoding: 8bit"}, false},
           Row{{"Content-Type: multipart/mixed; boundary=a", "", "--a", "Content-Type: multipart/x; boundary=b", "", "--b", "", "x",
                "--a", "Content-Transfer-Encoding: 8bit", "", "y"}, true},
           Row{{"Content-Type: message/rfc822", "", "Subject: x", "Content-Transfer-Encoding: 8bit", "", "y"}, true},
           Row{{"Content-Type: multipart/mixed; boundary=a", "", "--a--", "Content-Transfer-Encoding: 8bit", "", "y"}, false},
       }) {
    Case test;
    test.run(row.lines);
    INFO(row.lines.front());
    CHECK(test.is_8bit == row.is_8bit);
  }
}

TEST_CASE("a header bomb costs linear time and no recursion") {
  Case test;
  Strings lines(100'000, "X: y");
  lines.insert(lines.end(), 100'000, " z");
  lines.push_back("To: " + std::string(50'000, '(') + " a");
  CHECK(test.run(lines).size() > 100'000);
}

TEST_CASE("what a strict site does not take is refused, with the first reason") {
  const Strings message{"X-A: caf\303\251", "Content-Type: multipart/mixed; boundary=b", "Content-Transfer-Encoding: base64", "", "--b",
                        "Content-Transfer-Encoding: 8bit", "", "caf\303\251", "--b", "", "caf\303\251", "--b--"};
  struct Row {
    std::vector<mail::MimeFault> refused;
    const char* fault;
  };
  using enum mail::MimeFault;
  for (const Row& row : {Row{{}, ""},
                         Row{{eight_bit_header, eight_bit_body}, "5.6.0 improper use of 8-bit data in message header"},
                         Row{{eight_bit_body}, "5.6.0 improper use of 8-bit data in message body"},
                         Row{{encoded_container}, "5.6.0 invalid message/* or multipart/* encoding domain"}}) {
    for (const bool is_checked : {true, false}) {
      FakeAddresses addresses;
      FakeOutput output;
      Policy policy;
      policy.refused_faults = row.refused;
      Content content(addresses, policy, output, {.queue_id = "1", .is_checked = is_checked});
      for (const std::string& line : message) content.take(line, true);
      content.finish();
      CHECK(content.checks().fault() == (is_checked ? row.fault : ""));
    }
  }
}

TEST_CASE("characters are refused or taken out as they came") {
  using std::string_literals::operator""s;
  Case strict;
  strict.context.is_checked = true;
  strict.policy.stripped_characters = "\0\a"s;
  CHECK(strict.run({"From: a", "Date: x", "Message-Id: <y>", "Sub\aject: x\0y"s, "", "a\a\0b\a"s}) ==
        Strings{"From: a@example.test", "Date: x", "Message-Id: <y>", "Subject: xy", "", "ab"});

  FakeAddresses addresses;
  FakeOutput output;
  Policy policy;
  policy.rejected_characters = policy.stripped_characters = "\a";
  Content content(addresses, policy, output, {.queue_id = "1", .is_checked = true});
  content.take("Subject: x", true);
  CHECK(content.checks().refusal().empty());
  content.take("X: \a", true);
  CHECK(content.checks().refusal() == "5.7.1 disallowed character");
}

TEST_CASE("8-bit parts are converted before anything looks at them") {
  Case converting;
  converting.context.is_checked = true;
  converting.policy.converts = true;
  converting.policy.refused_faults = {mail::MimeFault::eight_bit_body};
  CHECK(converting.run({"From: a", "Date: x", "Message-Id: <y>", "Content-Transfer-Encoding: 8bit", "", "caf\303~", "\251"}) ==
        Strings{"From: a@example.test", "Date: x", "Message-Id: <y>", "Content-Transfer-Encoding: quoted-printable", "", "caf=C3=A9"});
  CHECK_FALSE(converting.is_8bit);
}

}  // namespace cleanup
