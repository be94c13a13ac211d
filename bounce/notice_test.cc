// Notices, compared with those that Postfix 3.10 made of the same facts (golden/, with dates, ids and the time in the
// boundary masked, and without the Message-Id, which cleanup adds).

#include <cstdlib>
#include <fstream>

#include <sys/mman.h>
#include <unistd.h>

#include "bounce/notice.h"
#include "bounce/template.h"
#include "lib/mail/date.h"
#include "lib/queue/record.h"

#include "lib/testing/catch.h"

using bounce::Kind;
using bounce::Notice;
using bounce::Original;
using bounce::Returned;

namespace {

const Stamp arrival{std::chrono::seconds(1795500000)};
const Stamp now{std::chrono::seconds(1795503956)};
constexpr std::chrono::seconds lifetime{432000};

std::string read_text(const std::string& path) {
  const char* source = std::getenv("srcdir");
  std::ifstream in(std::string(source != nullptr ? source : "..") + "/bounce/golden/" + path + ".txt", std::ios::binary);
  INFO(path);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
}

// The message that a golden notice returns, as a queue file.
Original original_of(const std::string& golden, Returned returned) {
  const std::size_t part = golden.find("\nReturn-Path: <") + 1;
  const std::size_t start = golden.find('\n', part) + 1;
  std::string content = golden.substr(start, golden.rfind("\n--ORIGID") - start);
  if (returned == Returned::headers) content += "\nbody that is not returned\n";
  std::string bytes;
  queue::append_record(bytes, queue::RecordType::message_start, "");
  Original original{Fd(memfd_create("original", MFD_CLOEXEC)), {}};
  original.message.data_offset = static_cast<std::int64_t>(bytes.size());
  original.message.arrived = arrival;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = content.find('\n', at);
    queue::append_record(bytes, queue::RecordType::normal, content.substr(at, end - at));
    at = end + 1;
  }
  queue::append_record(bytes, queue::RecordType::extracted, "");
  REQUIRE(write(original.file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  return original;
}

ipc::RecipientStatus status_of(std::string recipient, std::string status, std::string action, std::string reason) {
  ipc::RecipientStatus out;
  out.recipient = recipient;
  out.original_recipient = recipient;
  out.dsn_orig_rcpt = "rfc822;" + recipient;
  out.status = std::move(status);
  out.action = std::move(action);
  out.reason = std::move(reason);
  return out;
}

ipc::RecipientStatus unknown(const std::string& user) {
  return status_of(user + "@example.test", "5.1.1", "failed", "unknown user: \"" + user + "\"");
}

// What the next hop of the recordings said.
ipc::RecipientStatus at_peer(std::string recipient, std::string status, std::string action, const std::string& reply,
                             std::string reason) {
  ipc::RecipientStatus out = status_of(std::move(recipient), std::move(status), std::move(action), std::move(reason));
  out.diag_type = "smtp";
  out.diag_text = reply;
  out.mta_type = "dns";
  out.mta_mname = "127.77.80.250";
  return out;
}

const std::string peer = "127.77.80.250[127.77.80.250]";

ipc::RecipientStatus refused(std::string recipient, std::string status, std::string action, const std::string& reply,
                             const std::string& before = "") {
  return at_peer(std::move(recipient), std::move(status), std::move(action), reply,
                 before + "host " + peer + " said: " + reply + " (in reply to RCPT TO command)");
}

const std::string via_local = "delivery via local: ";
const std::string via_peer = "delivery via " + peer + ":2599: ";

struct Case {
  std::string golden;
  Notice notice;
  std::vector<ipc::RecipientStatus> recipients;
  bool smtputf8_enable = true;
};

Notice notice_to_bob(Kind kind = Kind::failure, Returned returned = Returned::full) {
  Notice notice;
  notice.kind = kind;
  notice.to = notice.sender = "bob@example.test";
  notice.returned = returned;
  notice.queue_id = "ORIGID";
  return notice;
}

Notice copy_to(std::string to, Notice notice) {
  notice.postmaster_copy = true;
  notice.to = std::move(to);
  return notice;
}

template <class Change>
Notice with(Notice notice, Change change) {
  change(notice);
  return notice;
}

template <class Change>
ipc::RecipientStatus with(ipc::RecipientStatus status, Change change) {
  change(status);
  return status;
}

std::vector<Case> cases() {
  const auto later = [](const std::string& recipient, const std::string& action, const std::string& before = "") {
    return refused(recipient, "4.2.0", action, "450 4.2.0 try later", before);
  };
  const auto orcpt = [](std::string text) {
    return [text](ipc::RecipientStatus& status) { status.dsn_orig_rcpt = text; };
  };
  const std::string a200(200, 'a');
  const Notice headers = notice_to_bob(Kind::failure, Returned::headers);
  const Notice report = notice_to_bob(Kind::verify, Returned::headers);
  const Notice delay = notice_to_bob(Kind::delay, Returned::headers);
  const auto smtputf8 = [](Notice& notice) { notice.smtputf8 = true; notice.encoding = "8bit"; };
  return {
      {"unknown-user", notice_to_bob(), {unknown("nosuch")}},
      {"recipients", notice_to_bob(),
       {unknown("nosuch"), unknown("other"),
        refused("bad@sink.test", "5.1.1", "failed", "550 5.1.1 <bad>: Recipient address rejected: User unknown"),
        refused("multi@sink.test", "5.7.1", "failed", "554-5.7.1 first line 554 5.7.1 second line")}},
      {"success", notice_to_bob(Kind::success, Returned::headers),
       {status_of("alice@example.test", "2.0.0", "delivered", via_local + "delivered to mailbox"),
        at_peer("ok@sink.test", "2.0.0", "relayed", "250 2.0.0 Ok queued", via_peer + "250 2.0.0 Ok queued")}},
      {"ret-hdrs", headers, {unknown("nosuch")}},
      {"big", headers, {unknown("nosuch")}},
      {"envid-orcpt", with(notice_to_bob(), [](Notice& notice) { notice.envelope_id = "QQ+314"; }),
       {with(unknown("nosuch"), orcpt("rfc822;orig+plus@example.test"))}},
      {"eight-bit", with(notice_to_bob(), [](Notice& notice) { notice.encoding = "8bit"; }), {unknown("nosuch")}},
      {"smtputf8", with(notice_to_bob(), smtputf8), {unknown("j\xc3\xb6")}},
      {"quoted", notice_to_bob(), {with(unknown("a b"), orcpt("rfc822;\"a b\"@example.test"))}},
      {"aliased", notice_to_bob(),
       {with(unknown("target"), [](ipc::RecipientStatus& status) {
         status.original_recipient = "aliased@example.test";
         status.dsn_orig_rcpt = "rfc822;aliased@example.test";
       })}},
      {"verbose", report,
       {with(status_of("alice@example.test", "2.0.0", "delivered", via_local + "delivered to mailbox"),
             [](ipc::RecipientStatus& status) { status.original_recipient = "alice"; }),
        status_of("nosuchuser@example.test", "5.1.1", "failed", via_local + "unknown user: \"nosuchuser\""),
        later("later@sink.test", "delayed", via_peer),
        at_peer("ok@sink.test", "2.0.0", "relayed", "250 2.0.0 Ok queued", via_peer + "250 2.0.0 Ok queued")}},
      {"verify", report,
       {with(status_of("alice@example.test", "2.0.0", "deliverable", via_local + "delivers to mailbox"),
             [](ipc::RecipientStatus& status) { status.original_recipient = "alice"; }),
        status_of("nosuchuser@example.test", "5.1.1", "undeliverable", via_local + "unknown user: \"nosuchuser\""),
        later("later@sink.test", "undeliverable", via_peer),
        at_peer("ok@sink.test", "2.1.5", "deliverable", "250 2.1.5 Ok", via_peer + "250 2.1.5 Ok")}},
      {"delayed", with(delay, [](Notice& notice) { notice.envelope_id = "E1"; }),
       {later("later2@sink.test", "delayed"), with(later("later@sink.test", "delayed"), orcpt("rfc822;o@o.test"))}},
      {"long-words", notice_to_bob(), {unknown(a200)}},
      {"expired", notice_to_bob(), {later("later3@sink.test", "delayed")}},
      {"double-bounce",
       copy_to("alice@example.test", with(notice_to_bob(), [](Notice& n) { n.sender = "MAILER-DAEMON@mail.example.test"; })),
       {unknown("nosuch")}},
      {"postmaster-copy", copy_to("alice+bounce@example.test", headers), {unknown("nosuch")}},
      {"postmaster-delay", copy_to("alice+delay@example.test", delay), {later("later3@sink.test", "delayed")}},
      {"smtputf8-sender",
       copy_to("alice+bounce@example.test",
               with(with(headers, smtputf8), [](Notice& notice) { notice.sender = "j\xc3\xb6rg@example.test"; })),
       {unknown("nosuch")}},
      {"no-smtputf8", notice_to_bob(), {unknown("nosuch")}, false},
      {"no-smtputf8-8bit", with(notice_to_bob(), [](Notice& notice) { notice.encoding = "8bit"; }), {unknown("nosuch")}, false},
  };
}

std::string composed(const Case& test, const std::string& golden) {
  const auto main = config::Main::parse("myhostname = mail.example.test\ndelay_warning_time = 3s\n", "/etc/postfix");
  REQUIRE(main);
  bounce::Templates templates;
  std::vector<std::string> warnings;
  REQUIRE(templates.expand(*main, warnings));
  Notice notice = test.notice;
  const Original original = original_of(golden, notice.returned);
  notice.original = &original;
  const bounce::Site site{"mail.example.test", "Postfix", test.smtputf8_enable, lifetime};
  std::string out;
  const auto complete = bounce::compose(
      notice, site, templates[notice.kind],
      [&](const std::function<bool(const ipc::RecipientStatus&)>& take) -> Result<void> {
        for (const ipc::RecipientStatus& status : test.recipients) {
          if (!take(status)) break;
        }
        return {};
      },
      "NEWID", now, [&](const queue::ContentLine& line) {
        out += line.text;
        if (!line.continued) out += '\n';
        return true;
      });
  REQUIRE(complete);
  CHECK(*complete);
  for (const Stamp stamp : {arrival, now, arrival + lifetime}) replace_all(out, mail::rfc5322_date(stamp), "DATE");
  replace_all(out, "ORIGID.1795503956/", "ORIGID.TIME/");
  return out;
}

}  // namespace

TEST_CASE("notices are those of Postfix, line by line") {
  for (const Case& test : cases()) {
    INFO(test.golden);
    const std::string golden = read_text(test.golden);
    CHECK(composed(test, golden) == golden);
  }
}

TEST_CASE("nothing that a peer says makes a line of its own") {
  const std::string golden = read_text("unknown-user");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string evil = std::string("x") + static_cast<char>(byte) + "Evil: header";
    Case test{"", notice_to_bob(), {refused(evil + "@x", "5.0.0", "failed", evil)}};
    test.recipients[0].dsn_orig_rcpt = "rfc822;" + evil;
    test.recipients[0].mta_mname = evil;
    test.notice.envelope_id = evil;
    test.notice.sender = test.notice.to = evil;
    test.notice.thread_id = evil;
    const std::string out = composed(test, golden);
    INFO(byte);
    CHECK(out.find("\nEvil:") == std::string::npos);
    CHECK(out.find("\n Evil:") == std::string::npos);
    CHECK(out.find('\r') == std::string::npos);
  }
}

TEST_CASE("a notice without its message still says what is known") {
  Case test{"", notice_to_bob(), {unknown("nosuch")}};
  const bounce::Site site{"mail.example.test", "Postfix", true, lifetime};
  std::string out;
  REQUIRE(bounce::compose(test.notice, site, bounce::Templates()[Kind::failure],
                          [&](const auto& take) -> Result<void> {
                            static_cast<void>(take(test.recipients[0]));
                            return {};
                          },
                          "NEWID", now, [&](const queue::ContentLine& line) {
                            out += std::string(line.text) + '\n';
                            return true;
                          }));
  CHECK(out.contains("Diagnostic-Code: X-Postfix; unknown user: \"nosuch\"\n\n--ORIGID.1795503956/mail.example.test--\n"));
  CHECK_FALSE(out.contains("Arrival-Date"));
}

TEST_CASE("a sink that takes no more ends the notice") {
  const std::string golden = read_text("recipients");
  Notice notice = notice_to_bob();
  const Original original = original_of(golden, Returned::full);
  notice.original = &original;
  const bounce::Site site{"mail.example.test", "Postfix", true, lifetime};
  const bounce::Templates templates;
  for (int limit = 0; limit < 70; ++limit) {
    int lines = 0;
    const auto complete = bounce::compose(notice, site, templates[Kind::failure],
                                          [&](const auto& take) -> Result<void> {
                                            static_cast<void>(take(unknown("nosuch")));
                                            return {};
                                          },
                                          "NEWID", now, [&](const queue::ContentLine&) { return lines++ < limit; });
    REQUIRE(complete);
    if (!*complete) CHECK(lines == limit + 1);
  }
}
