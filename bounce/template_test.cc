#include "bounce/template.h"
#include "bounce/wrap.h"

#include "lib/testing/catch.h"

using bounce::Kind;
using bounce::Templates;

namespace {

std::vector<std::string> wrapped(std::string_view text) {
  std::vector<std::string> lines;
  REQUIRE(bounce::wrap(text, [&](const queue::ContentLine& line) {
    lines.emplace_back(line.text);
    return true;
  }));
  return lines;
}

}  // namespace

TEST_CASE("text is wrapped at blanks within 79 columns") {
  using Lines = std::vector<std::string>;
  CHECK(wrapped("") == Lines{""});
  CHECK(wrapped("short") == Lines{"short"});
  CHECK(wrapped(std::string(79, 'x')) == Lines{std::string(79, 'x')});
  CHECK(wrapped(std::string(79, 'x') + " y") == Lines{std::string(79, 'x'), "    y"});
  CHECK(wrapped(std::string(200, 'x')) == Lines{std::string(200, 'x')});
  CHECK(wrapped("a " + std::string(100, 'x') + " b") == Lines{"a", "    " + std::string(100, 'x'), "    b"});
  CHECK(wrapped(std::string(40, 'x') + ' ' + std::string(38, 'y') + " z") ==
        Lines{std::string(40, 'x') + ' ' + std::string(38, 'y'), "    z"});
  std::string blanks(100'000, ' ');
  CHECK(wrapped(blanks + "x" + blanks).size() <= 4);
}

TEST_CASE("a template file replaces texts, headers and charset") {
  Templates templates;
  std::vector<std::string> warnings;
  templates.read(
      "# comment\n\nfailure_template = <<END\nCharset: us-ascii\nfrom: MAILER-DAEMON (Custom System)\n"
      "Subject: Custom undelivered $mail_name\nPostmaster-Subject: Custom copy\n\nCustom text $myhostname "
      "${maximal_queue_lifetime_days} days $maximal_queue_lifetime_hours hours\n\n $delay_warning_time_seconds s $$ end. \nEND\n"
      "delay_template=<<EOF\nSubject: D\n\nDelay\nEOF\n",
      "/etc/postfix/bounce.cf", warnings);
  CHECK(warnings.empty());
  const auto main = config::Main::parse("myhostname = mail.example.test\ndelay_warning_time = 2s\n", "/etc/postfix");
  REQUIRE(main);
  REQUIRE(templates.expand(*main, warnings));
  CHECK(warnings.empty());
  CHECK(templates[Kind::failure].text ==
        std::vector<std::string>{"Custom text mail.example.test 5 days 120 hours", "", " 2 s $ end. "});
  CHECK(templates[Kind::failure].from == "MAILER-DAEMON (Custom System)");
  CHECK(templates[Kind::failure].subject == "Custom undelivered $mail_name");
  CHECK(templates[Kind::failure].postmaster_subject == "Custom copy");
  CHECK(templates[Kind::delay].subject == "D");
  CHECK(templates[Kind::delay].postmaster_subject == "Postmaster Warning: Delayed Mail");
  CHECK(templates[Kind::success].subject == "Successful Mail Delivery Report");
}

TEST_CASE("what a template file gets wrong is warned of and left out") {
  const struct {
    const char *text, *warning;
  } table[] = {
      {"failure_template = <<EOF\nX-Extra: x\n\ntext\nEOF\n",
       "f: unknown \"X-Extra\" header label in failure template -- ignoring this template"},
      {"nonsense = <<EOF\ntext\nEOF\n", "f: unknown template name \"nonsense\" -- ignoring this template"},
      {"failure_template = text\n", "f, line 1: syntax error: expecting \"template = <<EOF\" -- ignoring the rest"},
      {"failure_template = <<EOF\ntext\n", "f, line 1: missing \"EOF\" end marker -- ignoring this template"},
      {"failure_template = <<EOF\nSubject: x\n\nEOF\n", "f: missing message text in failure template -- ignoring this template"},
      {"success_template = <<EOF\nPostmaster-Subject: x\n\ntext\nEOF\n",
       "f: inapplicable \"Postmaster-Subject\" header label in success template -- ignoring this template"},
      {"failure_template = <<EOF\n\nt\xc3\xa9xt\nEOF\n",
       "f: 8-bit message text in failure template with charset us-ascii -- ignoring this template"},
  };
  for (const auto& row : table) {
    Templates templates;
    std::vector<std::string> warnings;
    templates.read(row.text, "f", warnings);
    CHECK(warnings == std::vector<std::string>{row.warning});
    CHECK(templates[Kind::failure].text == Templates()[Kind::failure].text);
  }
}

TEST_CASE("a name that nobody knows is an error, a time that rounds to nothing a warning") {
  const auto main = config::Main::parse("myhostname = mail.example.test\ndelay_warning_time = 3s\n", "/etc/postfix");
  REQUIRE(main);
  Templates templates;
  std::vector<std::string> warnings;
  REQUIRE(templates.expand(*main, warnings));
  CHECK(warnings == std::vector<std::string>{
                        "[built-in]: zero result in delay template conversion of parameter \"delay_warning_time_hours\"",
                        "please reduce time unit \"hours\" of \"delay_warning_time_hours\" in delay template",
                        "for instructions see the bounce(5) manual"});
  Templates broken;
  broken.read("verify_template = <<EOF\n\n$unknownthing.\nEOF\n", "f", warnings);
  const auto expanded = broken.expand(*main, warnings);
  REQUIRE_FALSE(expanded);
  CHECK(expanded.error().message() == "f: undefined $name in verify template: $unknownthing.");
}
