#include "smtpd/session_talk.h"

#include "lib/testing/catch.h"

namespace smtpd {
namespace {

TEST_CASE("only CRLF.CRLF ends a message under every setting of smtpd_forbid_bare_newline (S01, S02)") {
  for (const char* setting : {"no", "yes", "normalize", "note"}) {
    for (const bool single_bytes : {false, true}) {
      TestWorld world("smtpd_forbid_bare_newline = " + std::string(setting) + "\n");
      CAPTURE(setting);
      world.run([&](io::Stream& stream) {
        static_cast<void>(read_reply(stream));
        for (const char* command : {"HELO c\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<alice>\r\n", "DATA\r\n"}) {
          stream.write(command, base::after(std::chrono::seconds(5)));
          static_cast<void>(read_reply(stream));
        }
        const std::string data = "a\n.\nb\n.\r\nc\r\n.\nMAIL FROM:<evil>\r\n.\r\n";
        for (std::size_t i = 0; i < data.size(); i += single_bytes ? 1 : data.size()) {
          stream.write(std::string_view(data).substr(i, single_bytes ? 1 : data.size()), base::after(std::chrono::seconds(5)));
          CHECK(stream.flush(base::after(std::chrono::seconds(5))) == io::End::ok);
          event::yield();
        }
        CHECK(read_reply(stream) == "250 2.0.0 Ok: queued as QID1");
        stream.write("QUIT\r\n", base::after(std::chrono::seconds(5)));
        CHECK(read_reply(stream) == bye);
      });
      REQUIRE(world.messages.size() == 1);
      CHECK(world.messages[0].content().ends_with("\na\n\nb\n\nc\n\nMAIL FROM:<evil>\n"));
      CHECK(world.log().back().ends_with("notes=bare_lf") == (std::string_view(setting) == "note"));
    }
  }
}

TEST_CASE("smtpd_forbid_bare_newline = reject") {
  TestWorld world("smtpd_forbid_bare_newline = reject\n");
  const std::string refused = "550 5.5.2 mail.example.test Error: bare <LF> received";
  CHECK(talk(world, {"EHLO c", "MAIL FROM:<>", "RCPT TO:<alice>", "DATA", "a\nb\r\n.\r\n", "QUIT"}) ==
        Strings{ehlo_reply, mail_ok, rcpt_ok, go_on, refused, bye});
  CHECK(world.log()[2] ==
        "QID1: reject: END-OF-MESSAGE from client.example[192.0.2.1]: bare <LF> received; from=<> to=<alice> proto=ESMTP helo=<c>");
  CHECK(talk(world, {"EHLO c", "MAIL FROM:<>", "RCPT TO:<alice>", "BDAT 7\r\nabc\nabc>", "NOOP"}).size() == 5);
  static_cast<void>(world.log());
  CHECK(talk(world, {"EHLO c\n", "NOOP"}) == Strings{refused, "(closed)"});
  CHECK(world.log()[1] == "NOQUEUE: reject: CONNECT from client.example[192.0.2.1]: bare <LF> received; proto=SMTP");
  for (const TestMessage& message : world.messages) CHECK_FALSE(message.finished);
}

TEST_CASE("a refused chunk leaves nothing behind (S08 to S10)") {
  TestWorld world("message_size_limit = 1000\n");
  const auto chunk = [](std::string command, std::string bytes) { return ">" + std::move(command) + "\r\n" + std::move(bytes); };
  CHECK(talk(world, {"EHLO c", chunk("BDAT 3", "abc"), "<", "DATA", "MAIL FROM:<>", "RSET", "MAIL FROM:<>", chunk("BDAT 3", "abc"),
                     "<", chunk("BDAT 3 LAST", "abc"), "<", "RCPT TO:<alice>", "MAIL FROM:<>", "RCPT TO:<alice>", "BDAT 0",
                     chunk("BDAT 2", "ab"), "<", "DATA", "RCPT TO:<alice>", "BDAT 0 LAST", "DATA", "MAIL FROM:<>",
                     "RCPT TO:<alice>", chunk("BDAT 900", std::string(898, 'x') + "\r\n"), "<", chunk("BDAT 101", std::string(101, 'x')),
                     "<", chunk("BDAT 3 LAST", "abc"), "<", "MAIL FROM:<>", "RCPT TO:<alice>", chunk("BDAT 3", "abc"), "<",
                     "MAIL FROM:<>", "RCPT TO:<alice>", "EHLO c", "MAIL FROM:<>", "RCPT TO:<alice>", "BDAT x", "NOOP"}) ==
        Strings{std::string(ehlo_reply).replace(ehlo_reply.find("10240000"), 8, "1000"),
                "503 5.5.1 Error: need RCPT command",
                "503 5.5.1 Error: DATA after BDAT",
                "503 5.5.1 Error: MAIL after BDAT",
                ok,
                mail_ok,
                "554 5.5.1 Error: no valid recipients",
                "551 5.0.0 Discarded 3 bytes after earlier error",
                "503 5.5.1 Error: need MAIL command",
                mail_ok,
                rcpt_ok,
                "551 5.7.1 Null BDAT request",
                "551 5.0.0 Discarded 2 bytes after earlier error",
                "503 5.5.1 Error: DATA after BDAT",
                "503 5.5.1 Error: RCPT after BDAT",
                "551 5.0.0 Discarded 0 bytes after earlier error",
                "503 5.5.1 Error: need RCPT command",
                mail_ok,
                rcpt_ok,
                "250 2.0.0 Ok: 900 bytes",
                "552 5.3.4 Chunk exceeds message size limit",
                "551 5.0.0 Discarded 3 bytes after earlier error",
                mail_ok,
                rcpt_ok,
                "250 2.0.0 Ok: 3 bytes",
                "503 5.5.1 Error: nested MAIL command",
                "503 5.5.1 Error: RCPT after BDAT",
                std::string(ehlo_reply).replace(ehlo_reply.find("10240000"), 8, "1000"),
                mail_ok,
                rcpt_ok,
                "521 5.5.4 Syntax: BDAT count [LAST]",
                "(closed)"});
  CHECK(world.open_messages == 0);
  for (const TestMessage& message : world.messages) CHECK_FALSE(message.finished);
}

TEST_CASE("chunks make the same message as DATA") {
  TestWorld world;
  CHECK(talk(world, {"EHLO c", "MAIL FROM:<a@x.test> SMTPUTF8", "RCPT TO:<alice>", ">BDAT 12\r\nFoo: bar\r\n\r\n", "<",
                     ">BDAT 8 LAST\r\n.\r\na\r\nxy", "<", "QUIT"}) ==
        Strings{ehlo_reply, mail_ok, rcpt_ok, "250 2.0.0 Ok: 12 bytes", "250 2.0.0 Ok: 22 bytes queued as QID1", bye});
  REQUIRE(world.messages.size() == 1);
  CHECK(world.messages[0].finished);
  CHECK(world.messages[0].content().ends_with("\nFoo: bar\n\n.\na\nxy\n"));
  CHECK(world.messages[0].content().find("with UTF8SMTP id QID1") != std::string::npos);
}

TEST_CASE("cleanup's verdicts have their replies, and each ends the transaction (S11)") {
  using ipc::CleanupStatus;
  const std::pair<CleanupStatus, std::string> rows[] = {
      {CleanupStatus::ok, "250 2.0.0 Ok: queued as QID1"},
      {CleanupStatus::bad, "451 4.3.0 Error: internal error 1"},
      {CleanupStatus::write, "451 4.3.0 Error: queue file write error"},
      {CleanupStatus::space, "452 4.3.1 Insufficient system storage"},
      {CleanupStatus::defer, "451 4.3.0 Error: queue file write error"},
      {CleanupStatus::size, "552 5.3.4 Error: message file too big"},
      {CleanupStatus::content, "550 5.7.1 Error: message content rejected"},
      {CleanupStatus::hops, "554 5.4.0 Error: too many hops"},
  };
  for (const auto& [status, reply] : rows) {
    TestWorld world;
    world.verdict.status = status;
    CHECK(talk(world, {"EHLO c", "MAIL FROM:<>", "RCPT TO:<alice>", "DATA", ".", "RCPT TO:<bob>", "DATA"}) ==
          Strings{ehlo_reply, mail_ok, rcpt_ok, go_on, reply, "503 5.5.1 Error: need MAIL command",
                  "503 5.5.1 Error: need RCPT command"});
  }
  TestWorld world;
  world.verdict = {CleanupStatus::content, "5.7.1 Go away"};
  CHECK(talk(world, {"EHLO c", "MAIL FROM:<>", "RCPT TO:<alice>", "DATA", "."})[4] == "550 5.7.1 Go away");
  world.queue_is_full = true;
  CHECK(talk(world, {"EHLO c", "MAIL FROM:<>", "RCPT TO:<alice>"})[2] == "452 4.3.1 Insufficient system storage");
}

TEST_CASE("a message that is too big is read to its end and dropped") {
  TestWorld world("message_size_limit = 100\n");
  CHECK(talk(world, {"HELO c", "MAIL FROM:<> SIZE=101", "MAIL FROM:<> SIZE=100", "RCPT TO:<alice>", "DATA",
                     std::string(101, 'x') + "\r\n.\r\n", "NOOP"}) ==
        Strings{"250 mail.example.test", "552 5.3.4 Message size exceeds fixed limit", mail_ok, rcpt_ok, go_on,
                "552 5.3.4 Error: message file too big", ok});
  CHECK_FALSE(world.messages[0].finished);
  const Strings log = world.log();
  CHECK(log[1] ==
        "NOQUEUE: reject: MAIL from client.example[192.0.2.1]: 552 5.3.4 Message size exceeds fixed limit; from=<> proto=SMTP helo=<c>");
  CHECK(log[3] == "warning: QID1: queue file size limit exceeded");
}

}  // namespace
}  // namespace smtpd
