#include "lib/smtp/ehlo_keywords.h"
#include "smtpd/command.h"
#include "smtpd/counters.h"
#include "smtpd/parameters.h"
#include "smtpd/policy/address_status.h"
#include "smtpd/received.h"
#include "smtpd/reply.h"

#include <random>
#include <vector>

#include "lib/testing/catch.h"

namespace smtpd {
namespace {

using std::string_view_literals::operator""sv;

TEST_CASE("a status about the other end of a message is said of this one") {
  using policy::AddressEnd;
  const struct {
    mail::Dsn given, of_sender, of_recipient;
  } rows[] = {
      {{5, 1, 0}, {5, 1, 0}, {5, 1, 0}}, {{5, 1, 1}, {5, 1, 7}, {5, 1, 1}}, {{4, 1, 2}, {4, 1, 8}, {4, 1, 2}}, {{5, 1, 5}, {5, 1, 0}, {5, 1, 5}},
      {{5, 1, 6}, {5, 1, 7}, {5, 1, 6}}, {{5, 1, 7}, {5, 1, 7}, {5, 1, 3}}, {{4, 1, 8}, {4, 1, 8}, {4, 1, 2}}, {{5, 1, 9}, {5, 1, 0}, {5, 1, 0}},
      {{5, 7, 1}, {5, 7, 1}, {5, 7, 1}},
  };
  for (const auto& row : rows) {
    CHECK(policy::status_for(AddressEnd::sender, row.given) == row.of_sender);
    CHECK(policy::status_for(AddressEnd::recipient, row.given) == row.of_recipient);
  }
}

TEST_CASE("a command line is a verb and the rest, up to a NUL") {
  struct Row {
    std::string_view line, verb, rest;
  };
  const Row rows[] = {
      {"NOOP", "NOOP", ""},          {"  noop  a  b ", "noop", "a  b"}, {"", "", ""},
      {"   \t", "", ""},             {"MAIL FROM:<a@b>", "MAIL", "FROM:<a@b>"},
      {"NOOP \0x"sv, "NOOP", ""},    {"\0NOOP"sv, "", ""},
  };
  for (const Row& row : rows) {
    const Command command = Command::parse(row.line);
    CHECK(command.verb == row.verb);
    CHECK(command.rest == row.rest);
  }
}

TEST_CASE("a path argument is a keyword, a path and parameters") {
  using Form = PathArgument::Form;
  struct Row {
    std::string_view rest;
    Form form;
    std::string_view path;
    std::size_t parameters;
  };
  const Row rows[] = {
      {"", Form::missing, "", 0},
      {"FROM", Form::missing, "", 0},
      {"FROM:", Form::missing, "", 0},
      {"FROM :<a@b>", Form::missing, "", 0},
      {"TO:<a@b>", Form::missing, "", 0},
      {"from:<a@b>", Form::ok, "<a@b>", 0},
      {"FROM: <a@b> SIZE=1  BODY=7BIT", Form::ok, "<a@b>", 2},
      {"FROM:a@b X", Form::ok, "a@b", 1},
      {"FROM:<a b@c>", Form::ok, "<a b@c>", 0},
      {"FROM:<\"a > b\"@c> X", Form::ok, "<\"a > b\"@c>", 1},
      {"FROM:<a", Form::unbalanced, "<a", 0},
      {"FROM:<\"a>", Form::unbalanced, "<\"a>", 0},
      {"FROM:<\"a\\\">", Form::unbalanced, "<\"a\\\">", 0},
      {"FROM:<>", Form::ok, "<>", 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.rest);
    const PathArgument argument = PathArgument::parse(row.rest, "FROM:");
    CHECK(argument.form == row.form);
    CHECK(argument.path == row.path);
    CHECK(argument.parameters.size() == row.parameters);
  }
}

TEST_CASE("the number of parameters is limited") {
  std::string rest = "FROM:<>";
  for (int i = 0; i < 1000; ++i) rest += " A";
  CHECK(PathArgument::parse(rest, "FROM:").parameters.size() == parameter_limit + 1);
}

TEST_CASE("BDAT has a size that can be counted, and maybe LAST") {
  const auto parse = [](std::string_view line) { return ChunkArgument::parse(Command::parse(line)); };
  CHECK(parse("BDAT 10")->size == 10);
  CHECK_FALSE(parse("BDAT 10")->is_last);
  CHECK(parse("BDAT 0 last")->is_last);
  for (const char* bad : {"BDAT", "BDAT x", "BDAT -1", "BDAT 18446744073709551616", "BDAT 9223372036854775807", "BDAT 5 FOO",
                          "BDAT 5 LAST x", "BDAT LAST", "BDAT 0x1", "BDAT +1"}) {
    CHECK_FALSE(parse(bad));
  }
}

std::string mail_reply(std::string_view words, const Announced& announced = {}) {
  const auto split = Command{.verb = {}, .rest = words, .line = words}.words();
  const auto parsed = parse_mail_parameters(split, announced);
  return parsed ? "ok" : parsed.error().text();
}

std::string rcpt_reply(std::string_view words, const Announced& announced = {}) {
  const auto split = Command{.verb = {}, .rest = words, .line = words}.words();
  const auto parsed = parse_rcpt_parameters(split, announced);
  return parsed ? "ok" : parsed.error().text();
}

TEST_CASE("MAIL's parameters, with Postfix's refusals") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", "ok"},
      {"SIZE=1 BODY=8bitmime smtputf8 RET=full ENVID=a+41 AUTH=<>", "ok"},
      {"SIZE=1 SIZE=2", "ok"},
      {"FOO", "555 5.5.4 Unsupported option: FOO"},
      {"FOO=1", "555 5.5.4 Unsupported option: FOO=1"},
      {"SIZE", "555 5.5.4 Unsupported option: SIZE"},
      {"SIZE=", "501 5.5.4 Bad message size syntax"},
      {"SIZE=abc", "501 5.5.4 Bad message size syntax"},
      {"SIZE=-1", "501 5.5.4 Bad message size syntax"},
      {"SIZE=18446744073709551616", "552 5.3.4 Message size exceeds file system imposed limit"},
      {"BODY=BINARYMIME", "555 5.5.4 Unsupported option: BODY=BINARYMIME"},
      {"RET=X", "501 5.5.4 Bad RET parameter syntax"},
      {"RET=", "501 5.5.4 Bad RET parameter syntax"},
      {"RET=FULL RET=HDRS", "501 5.5.4 Bad RET parameter syntax"},
      {"ENVID=", "501 5.5.4 Bad ENVID parameter syntax"},
      {"ENVID=+4", "501 5.5.4 Bad ENVID parameter syntax"},
      {"ENVID=a+0Ab", "501 5.5.4 Bad ENVID parameter syntax"},
      {"AUTH=a+0Ab", "501 5.5.4 Bad AUTH parameter syntax"},
      {"SMTPUTF8=1", "555 5.5.4 Unsupported option: SMTPUTF8=1"},
      {"XVERP", "555 5.5.4 Unsupported option: XVERP"},
      {"HOLDUNTIL=1", "555 5.5.4 Unsupported option: HOLDUNTIL=1"},
  };
  for (const auto& [words, reply] : rows) CHECK(mail_reply(words) == reply);
  const Announced nothing{.eight_bit_mime = false, .dsn = false, .smtputf8 = false};
  for (const char* word : {"RET=FULL", "ENVID=a"}) CHECK(mail_reply(word, nothing) == "501 5.7.1 DSN support is disabled");
  for (const char* word : {"NOTIFY=NEVER", "ORCPT=rfc822;a"}) {
    CHECK(rcpt_reply(word, nothing) == "501 5.7.1 DSN support is disabled");
  }
  for (const char* word : {"BODY=7BIT", "SMTPUTF8"}) {
    CHECK(mail_reply(word, nothing) == "555 5.5.4 Unsupported option: " + std::string(word));
  }
  CHECK(mail_reply("SIZE=1", nothing) == "ok");
}

TEST_CASE("RCPT's parameters, with Postfix's refusals") {
  const std::string notify = "501 5.5.4 Error: Bad NOTIFY parameter syntax";
  const std::string orcpt = "501 5.5.4 Error: Bad ORCPT parameter syntax";
  const std::pair<std::string_view, std::string> rows[] = {
      {"", "ok"},
      {"NOTIFY=NEVER ORCPT=rfc822;a@b", "ok"},
      {"notify=success,success,delay", "ok"},
      {"NOTIFY=,success", "ok"},
      {"NOTIFY=", notify},
      {"NOTIFY=NEVER,SUCCESS", notify},
      {"NOTIFY=success,foo", notify},
      {"NOTIFY=SUCCESS NOTIFY=DELAY", notify},
      {"ORCPT=", orcpt},
      {"ORCPT=rfc822", orcpt},
      {"ORCPT=;a@b", orcpt},
      {"ORCPT=rfc822;a+4", orcpt},
      {"ORCPT=rfc822;a+0Ab", orcpt},
      {"ORCPT=rfc822;a+FFb", orcpt},
      {"ORCPT=rfc822;a ORCPT=rfc822;b", orcpt},
      {"FOO", "555 5.5.4 Unsupported option: FOO"},
      {"SIZE=1", "555 5.5.4 Unsupported option: SIZE=1"},
  };
  for (const auto& [words, reply] : rows) CHECK(rcpt_reply(words) == reply);
  const std::string_view words[] = {"ORCPT=rfc822;foo+40bar", "NOTIFY=SUCCESS,DELAY"};
  const auto parsed = parse_rcpt_parameters(words, {});
  REQUIRE(parsed);
  CHECK(parsed->orcpt == "rfc822;foo@bar");
  CHECK(parsed->notify == 10);
}

TEST_CASE("a reply has its code on every line and nothing that forges one") {
  CHECK(Reply(250, "2.0.0 Ok").wire() == "250 2.0.0 Ok\r\n");
  CHECK(Reply(250, "a\nb\nc").wire() == "250-a\r\n250-b\r\n250 c\r\n");
  CHECK(Reply(550, "<a\rb\x01>").wire() == "550 <a?b?>\r\n");
  CHECK(Reply(550, "5.1.1 <a>").softened().wire() == "450 4.1.1 <a>\r\n");
  CHECK(Reply(521, "5.5.1 x", Reply::Then::close).softened().closes());
  CHECK(Reply(550, "5.1.1 <a>").with_footer("b\\nc", Reply::Footer::on_new_line).wire() == "550-5.1.1 <a>\r\n550-5.1.1 b\r\n550 5.1.1 c\r\n");
  CHECK(Reply(500, "Syntax: ETRN domain").with_footer(", b", Reply::Footer::on_last_line).wire() == "500 Syntax: ETRN domain, b\r\n");
  CHECK(Reply(250, "2.0.0 Ok").softened().code() == 250);
}

TEST_CASE("a reply that somebody else wrote keeps its codes when they make sense") {
  const auto text = [](std::string_view given) { return Reply::from_text(given, 554, mail::Dsn(5, 7, 1)).text(); };
  CHECK(text("5.1.6 User has moved") == "554 5.1.6 User has moved");
  CHECK(text("450 4.2.0 later") == "450 4.2.0 later");
  CHECK(text("no") == "554 5.7.1 no");
  CHECK(text("450 later") == "450 4.7.1 later");
  CHECK(text("2.0.0 fine") == "554 5.7.1 fine");
}

TEST_CASE("parsers hold against random bytes") {
  std::mt19937 random(20261124);
  const std::string_view alphabet = "<>\"\\@:;,=+ ()\r\n\0.ABCfromtosize09\xc3\xa4"sv;
  for (int i = 0; i < 20'000; ++i) {
    std::string line;
    const std::size_t length = random() % 60;
    for (std::size_t n = 0; n < length; ++n) line += alphabet[random() % alphabet.size()];
    const std::string mail = "MAIL FROM:" + line;
    const Command command = Command::parse(mail);
    const PathArgument argument = PathArgument::parse(command.rest, "FROM:");
    CHECK(argument.parameters.size() <= parameter_limit + 1);
    static_cast<void>(parse_mail_parameters(argument.parameters, {}));
    static_cast<void>(parse_rcpt_parameters(argument.parameters, {}));
    CHECK(Reply(550, line).wire().find('\r') != std::string::npos);
    static_cast<void>(neutral_helo(line));
    static_cast<void>(ChunkArgument::parse(Command::parse(line)));
  }
}

TEST_CASE("EHLO keywords are words of a list") {
  CHECK(smtp::ehlo_keywords_text(*smtp::parse_ehlo_keywords("chunking, starttls silent-discard")) == "STARTTLS CHUNKING");
  CHECK_FALSE(smtp::parse_ehlo_keywords("chunking, foo"));
  CHECK(smtp::ehlo_keywords_text(*smtp::parse_ehlo_keywords("")).empty());
}

TEST_CASE("the disconnect line counts what succeeded") {
  Counters counters;
  const auto label = [](std::size_t i) { return i == 0 ? "ehlo" : "rcpt"; };
  CHECK(counters.text(label) == " commands=0/0");
  counters.count(0, true);
  CHECK(counters.text(label) == " ehlo=1 commands=1");
  counters.count(1, true);
  counters.count(1, false);
  CHECK(counters.text(label) == " ehlo=1 rcpt=1/2 commands=2/3");
}

TEST_CASE("the Received: header is Postfix's") {
  Client client{.name = "mail.example.test", .address = "127.30.1.1", .port = "1", .ip = {}, .is_ip = true, .name_and_address = {}};
  ReceivedFacts facts{.client = client,
                      .helo = "c",
                      .protocol = "ESMTP",
                      .myhostname = "mail.example.test",
                      .mail_name = "Postfix",
                      .queue_id = "6941BDEF",
                      .only_recipient = "a b@y.test",
                      .arrived = Stamp(std::chrono::seconds(1795503904))};
  setenv("TZ", "UTC", 1);
  CHECK(received_header(facts) ==
        "Received: from c (mail.example.test [127.30.1.1])\n\tby mail.example.test (Postfix) with ESMTP id 6941BDEF\n"
        "\tfor <\"a b\"@y.test>; Tue, 24 Nov 2026 07:05:04 +0000 (UTC)");
  facts.only_recipient = {};
  facts.smtputf8 = true;
  CHECK(received_header(facts) ==
        "Received: from c (mail.example.test [127.30.1.1])\n\tby mail.example.test (Postfix) with UTF8SMTP id 6941BDEF;\n"
        "\tTue, 24 Nov 2026 07:05:04 +0000 (UTC)");
  facts.hide_client = true;
  CHECK(received_header(facts) ==
        "Received: by mail.example.test (Postfix) id 6941BDEF;\n\tTue, 24 Nov 2026 07:05:04 +0000 (UTC)");
  CHECK(neutral_helo("a(b)c\\d e@f;\"<>") == "a?b?c?d?e?f????");
}

}  // namespace
}  // namespace smtpd
