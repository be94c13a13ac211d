#include <random>

#include "smtpd/session_world.h"

#include "lib/testing/catch.h"

using namespace smtpd;
using Strings = std::vector<std::string>;

namespace {

const std::string greeting = "220 mail.example.test ESMTP Postfix";
const std::string ehlo_reply =
    "250-mail.example.test|250-PIPELINING|250-SIZE 10240000|250-VRFY|250-ETRN|250-ENHANCEDSTATUSCODES|250-8BITMIME|250-DSN|"
    "250-SMTPUTF8|250 CHUNKING";
const std::string ok = "250 2.0.0 Ok", mail_ok = "250 2.1.0 Ok", rcpt_ok = "250 2.1.5 Ok", bye = "221 2.0.0 Bye";
const std::string go_on = "354 End data with <CR><LF>.<CR><LF>";

// The replies after the greeting.
Strings talk(TestWorld& world, const Strings& steps) {
  Strings replies = world.talk(steps);
  replies.erase(replies.begin());
  return replies;
}

}  // namespace

TEST_CASE("one message, from greeting to disconnect, with the envelope in Postfix's order") {
  TestWorld world;
  const Strings replies = world.talk({"EHLO c", "MAIL FROM:<a@x.test> RET=HDRS ENVID=a+41 BODY=8BITMIME",
                                      "RCPT TO:<alice> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;foo+40bar", "DATA",
                                      "Subject: x\r\n\r\n..dot\r\n.\r\n", "QUIT"});
  CHECK(replies == Strings{greeting, ehlo_reply, mail_ok, rcpt_ok, go_on, "250 2.0.0 Ok: queued as QID1", bye});
  REQUIRE(world.messages.size() == 1);
  Strings records = world.messages[0].records;
  REQUIRE(records.size() > 8);
  CHECK(records[0].starts_with("T "));
  records.erase(records.begin());
  CHECK(records == Strings{"A log_ident=QID1",
                           "A rewrite_context=remote",
                           "A envelope_id=aA",
                           "A ret_flags=2",
                           "S a@x.test",
                           "A encoding=8bit",
                           "A log_client_name=client.example",
                           "A log_client_address=192.0.2.1",
                           "A log_client_port=40000",
                           "A log_message_origin=client.example[192.0.2.1]",
                           "A log_helo_name=c",
                           "A log_protocol_name=ESMTP",
                           "A client_name=client.example",
                           "A reverse_client_name=client.example",
                           "A client_address=192.0.2.1",
                           "A client_port=40000",
                           "A server_address=127.0.0.1",
                           "A server_port=25",
                           "A helo_name=c",
                           "A protocol_name=ESMTP",
                           "A client_address_type=2",
                           "A notify_flags=10",
                           "A dsn_orig_rcpt=rfc822;foo@bar",
                           "R alice",
                           "M ",
                           "N Received: from c (client.example [192.0.2.1])",
                           "N \tby mail.example.test (Postfix) with ESMTP id QID1",
                           records[27],
                           "N Subject: x",
                           "N ",
                           "N .dot",
                           "X "});
  CHECK(records[27].starts_with("N \tfor <alice>; "));
  CHECK(world.log() == Strings{"connect from client.example[192.0.2.1]", "QID1: client=client.example[192.0.2.1]",
                               "disconnect from client.example[192.0.2.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"});
  CHECK(world.anvil_events == Strings{"connect smtp:192.0.2.1", "disconnect smtp:192.0.2.1"});
}

TEST_CASE("the textbook's session, as printed: the first dot ends an empty message") {
  TestWorld world("message_size_limit=1000\nsmtputf8_enable=no\nsmtpd_discard_ehlo_keywords=chunking,starttls\n");
  CHECK(talk(world, {"EHLO c"})[0] ==
        "250-mail.example.test|250-PIPELINING|250-SIZE 1000|250-VRFY|250-ETRN|250-ENHANCEDSTATUSCODES|250-8BITMIME|250 DSN");
  CHECK(talk(world, {"EHLO c", "MAIL FROM:<a@x.test>", "RCPT TO:<alice@example.test>", "DATA", ".", "Hello", "QUIT"}) ==
        Strings{"250-mail.example.test|250-PIPELINING|250-SIZE 1000|250-VRFY|250-ETRN|250-ENHANCEDSTATUSCODES|250-8BITMIME|250 DSN",
                mail_ok, rcpt_ok, go_on, "250 2.0.0 Ok: queued as QID1", "500 5.5.2 Error: command not recognized", bye});
}

TEST_CASE("commands out of order get Postfix's replies") {
  TestWorld world;
  CHECK(talk(world, {"RCPT TO:<alice>", "DATA", "MAIL", "MAIL FROM:", "MAIL FROM:<", "MAIL FROM:<a@x.test>", "MAIL FROM:<>",
                     "DATA", "RSET x", "RSET", "DATA", "HELO", "EHLO", "VRFY", "VRFY alice", "VRFY x y", "NOOP a b", "STARTTLS",
                     "AUTH PLAIN", "XCLIENT NAME=a", "XFORWARD NAME=a", "FOO", "", "HELP", "QUIT x"}) ==
        Strings{"503 5.5.1 Error: need MAIL command",
                "503 5.5.1 Error: need RCPT command",
                "501 5.5.4 Syntax: MAIL FROM:<address>",
                "501 5.5.4 Syntax: MAIL FROM:<address>",
                "501 5.1.7 Bad sender address syntax",
                mail_ok,
                "503 5.5.1 Error: nested MAIL command",
                "554 5.5.1 Error: no valid recipients",
                "501 5.5.4 Syntax: RSET",
                ok,
                "503 5.5.1 Error: need RCPT command",
                "501 Syntax: HELO hostname",
                "501 Syntax: EHLO hostname",
                "501 5.5.4 Syntax: VRFY address [SMTPUTF8]",
                "252 2.0.0 alice",
                "501 5.1.3 Bad recipient address syntax",
                ok,
                "502 5.5.1 Error: command not implemented",
                "503 5.5.1 Error: authentication not enabled",
                "550 5.7.0 Error: insufficient authorization",
                "550 5.7.0 Error: insufficient authorization",
                "500 5.5.2 Error: command not recognized",
                "500 5.5.2 Error: bad syntax",
                "214 2.0.0 Commands: AUTH BDAT DATA EHLO ETRN HELO HELP MAIL NOOP QUIT RCPT RSET STARTTLS VRFY XCLIENT XFORWARD",
                bye});
  CHECK(world.messages.empty());
}

TEST_CASE("recipients: relaying, unknown users, routes, temporary failures") {
  TestWorld world;
  const std::string denied = ": Relay access denied";
  CHECK(talk(world, {"HELO c.test", "MAIL FROM:<a@x.test>", "RCPT TO:<x@other.test>", "RCPT TO:<nosuch@example.test>",
                     "RCPT TO:<nosuch@va.test>", "RCPT TO:<nosuch@vm.test>", "RCPT TO:<nosuch@relay.test>",
                     "RCPT TO:<gone@example.test>", "RCPT TO:<a%other.test@example.test>", "RCPT TO:<\"a b\"@example.test>",
                     "RCPT TO:<x@fail.test>", "RCPT TO:<>", "RCPT TO:<postmaster>", "RCPT TO:<va@va.test>", "RCPT TO:<vm@vm.test>",
                     "RCPT TO:<r@relay.test>", "RCPT TO:<alice> FOO", "QUIT"}) ==
        Strings{"250 mail.example.test",
                mail_ok,
                "554 5.7.1 <x@other.test>: Relay access denied",
                "550 5.1.1 <nosuch@example.test>: Recipient address rejected: User unknown in local recipient table",
                "550 5.1.1 <nosuch@va.test>: Recipient address rejected: User unknown in virtual alias table",
                "550 5.1.1 <nosuch@vm.test>: Recipient address rejected: User unknown in virtual mailbox table",
                "550 5.1.1 <nosuch@relay.test>: Recipient address rejected: User unknown in relay recipient table",
                "550 5.1.6 <gone@example.test>: Recipient address rejected: User has moved to new@x.test",
                "554 5.7.1 <a%other.test@example.test>: Relay access denied",
                "550 5.1.1 <a b@example.test>: Recipient address rejected: User unknown in local recipient table",
                "451 4.3.0 <x@fail.test>: Temporary lookup failure",
                "501 5.1.3 Bad recipient address syntax",
                rcpt_ok,
                rcpt_ok,
                rcpt_ok,
                rcpt_ok,
                "555 5.5.4 Unsupported option: FOO",
                bye});
  const Strings log = world.log();
  CHECK(log[1] ==
        "NOQUEUE: reject: RCPT from client.example[192.0.2.1]: 554 5.7.1 <x@other.test>: Relay access denied; from=<a@x.test> "
        "to=<x@other.test> proto=SMTP helo=<c.test>");
  CHECK(log[8] ==
        "NOQUEUE: reject: RCPT from client.example[192.0.2.1]: 550 5.1.1 <a b@example.test>: Recipient address rejected: User "
        "unknown in local recipient table; from=<a@x.test> to=<\"a b\"@example.test> proto=SMTP helo=<c.test>");
  CHECK(world.messages.size() == 1);
  CHECK_FALSE(world.messages[0].finished);  // QUIT before DATA: cleanup saw the connection close
}

TEST_CASE("restrictions that are not built yet refuse, after those before them") {
  {
    TestWorld world("smtpd_recipient_restrictions = permit_mynetworks, reject_rbl_client zen.example\n");
    CHECK(talk(world, {"HELO c", "MAIL FROM:<>", "RCPT TO:<alice>"})[2] == "451 4.3.5 Server configuration error");
    const Strings log = world.log();
    CHECK(log[0] == "warning: smtpd_recipient_restrictions: reject_rbl_client is not yet honoured");
    CHECK(log.back() != log[0]);
    world.client_address = "10.0.0.1";
    CHECK(talk(world, {"HELO c", "MAIL FROM:<>", "RCPT TO:<alice>"})[2] == rcpt_ok);
  }
  TestWorld world("smtpd_client_restrictions = foo\n");
  CHECK(talk(world, {"HELO c", "MAIL FROM:<>", "RCPT TO:<alice>"})[2] == "451 4.3.5 Server configuration error");
  CHECK(world.messages.empty());
}

TEST_CASE("smtpd_delay_reject: refused at RCPT, or where it belongs") {
  const Strings steps{"EHLO c", "MAIL FROM:<a@x.test>", "RCPT TO:<alice>", "NOOP", "QUIT"};
  {
    TestWorld world("smtpd_client_restrictions = reject\n");
    CHECK(talk(world, steps)[2] == "554 5.7.1 <client.example[192.0.2.1]>: Client host rejected: Access denied");
  }
  {
    TestWorld world("smtpd_client_restrictions = reject\nsmtpd_delay_reject = no\n");
    const std::string denied = "503 5.7.0 Error: access denied for client.example[192.0.2.1]";
    CHECK(world.talk(steps) == Strings{"554 5.7.1 <client.example[192.0.2.1]>: Client host rejected: Access denied", denied,
                                       denied, denied, denied, bye});
    CHECK(world.log()[1] ==
          "NOQUEUE: reject: CONNECT from client.example[192.0.2.1]: 554 5.7.1 <client.example[192.0.2.1]>: Client host "
          "rejected: Access denied; proto=SMTP");
  }
  {
    TestWorld world("smtpd_helo_restrictions = reject\nsmtpd_delay_reject = no\nsmtpd_helo_required = yes\n");
    CHECK(talk(world, steps) == Strings{"554 5.7.1 <c>: Helo command rejected: Access denied",
                                        "503 5.5.1 Error: send HELO/EHLO first", "503 5.5.1 Error: need MAIL command", ok, bye});
  }
  TestWorld world("smtpd_sender_restrictions = warn_if_reject defer reject\n");
  CHECK(talk(world, steps)[2] == "554 5.7.1 <a@x.test>: Sender address rejected: Access denied");
  CHECK(world.log()[1] ==
        "NOQUEUE: reject_warning: RCPT from client.example[192.0.2.1]: 450 4.3.2 <a@x.test>: Sender address rejected: Try "
        "again later; from=<a@x.test> to=<alice> proto=ESMTP helo=<c>");
}

TEST_CASE("a server that would relay for strangers does not start") {
  CHECK_FALSE(policy::Lists::parse(Params{}));
  Params params{};
  params.smtpd_relay_restrictions = "permit, reject_unauth_destination";
  CHECK_FALSE(policy::Lists::parse(params));
  params.smtpd_relay_restrictions = "permit_mynetworks warn_if_reject reject_unauth_destination";
  CHECK_FALSE(policy::Lists::parse(params));
  params.smtpd_recipient_restrictions = "permit_mynetworks, reject";
  CHECK(policy::Lists::parse(params));
}

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

TEST_CASE("unauthorised pipelining is refused (S07)") {
  const std::string refused = "554 5.5.0 Error: SMTP protocol synchronization";
  TestWorld world;
  CHECK(talk(world, {">EHLO c\r\nNOOP\r\n", "<", "<"}) == Strings{refused, "(closed)"});
  CHECK(world.log()[1] == "improper command pipelining after EHLO from client.example[192.0.2.1]: NOOP\\r\\n");
  CHECK(talk(world, {"EHLO c", ">MAIL FROM:<>\r\nRCPT TO:<alice>\r\nDATA\r\nfoo\r\n", "<", "<", "<", "<"}) ==
        Strings{ehlo_reply, mail_ok, rcpt_ok, refused, "(closed)"});
  CHECK(talk(world, {"HELO c", ">MAIL FROM:<>\r\nRSET\r\n", "<", "<"}) ==
        Strings{"250 mail.example.test", refused, "(closed)"});
  CHECK(talk(world, {"EHLO c", ">MAIL FROM:<>\r\nRCPT TO:<alice>\r\nRSET\r\nQUIT\r\n", "<", "<", "<", "<"}) ==
        Strings{ehlo_reply, mail_ok, rcpt_ok, ok, bye});
}

TEST_CASE("errors, junk and recipients have limits (S16)") {
  const std::string enough = "421 4.7.0 mail.example.test Error: too many errors";
  {
    TestWorld world("smtpd_hard_error_limit = 6\nsmtpd_junk_command_limit = 5\n");
    Strings replies = talk(world, Strings(20, "NOOP"));
    CHECK(replies.size() == 13);
    CHECK(replies[10] == ok);
    CHECK(replies[11] == enough);
    CHECK(world.log()[1] == "NOQUEUE: too many errors after NOOP from client.example[192.0.2.1]");
    replies = talk(world, Strings(20, "BOGUS"));
    CHECK(replies[5] == "500 5.5.2 Error: command not recognized");
    CHECK(replies[6] == enough);
  }
  TestWorld world("smtpd_recipient_limit = 3\nsmtpd_recipient_overshoot_limit = 2\nsmtpd_hard_error_limit = 3\n");
  Strings steps{"EHLO c", "MAIL FROM:<>"};
  steps.insert(steps.end(), 20, "RCPT TO:<alice>");
  const Strings replies = talk(world, steps);
  CHECK(replies[4] == rcpt_ok);
  for (std::size_t i = 5; i < 10; ++i) CHECK(replies[i] == "452 4.5.3 Error: too many recipients");
  CHECK(replies[10] == enough);
  CHECK(world.log().back() == "disconnect from client.example[192.0.2.1] ehlo=1 mail=1 rcpt=5/8 commands=7/10");
}

TEST_CASE("overload: a client with too many connections hears it and goes") {
  TestWorld world;
  world.anvil_count = 51;
  CHECK(world.talk({"NOOP"}) == Strings{"421 4.7.0 mail.example.test Error: too many connections from 192.0.2.1", "(closed)"});
  CHECK(world.log() == Strings{"connect from client.example[192.0.2.1]",
                               "warning: Connection concurrency limit exceeded: 51 from client.example[192.0.2.1] for service smtp",
                               "disconnect from client.example[192.0.2.1] commands=0/0"});
  world.anvil_count = 1;
  world.anvil_events.clear();
  world.client_address = "10.0.0.1";  // in mynetworks, and so in smtpd_client_event_limit_exceptions
  CHECK(world.talk({"QUIT"})[1] == bye);
  CHECK(world.anvil_events.empty());
}

TEST_CASE("rates of messages and recipients are limited") {
  TestWorld world("smtpd_client_message_rate_limit = 2\nsmtpd_client_recipient_rate_limit = 2\n");
  world.anvil_rate = 3;
  CHECK(talk(world, {"HELO c", "MAIL FROM:<>"})[1] == "450 4.7.1 Error: too much mail from 192.0.2.1");
  CHECK(world.log()[1] ==
        "warning: Message delivery request rate limit exceeded: 3 from client.example[192.0.2.1] for service smtp");
}

TEST_CASE("a client that goes away, or says nothing, is logged with what he was doing") {
  TestWorld world("smtpd_timeout = 1s\n");
  const auto second_to_last = [&] {
    const Strings log = world.log();
    return log.size() < 2 ? std::string() : log[log.size() - 2];
  };
  static_cast<void>(talk(world, {}));
  CHECK(second_to_last() == "NOQUEUE: lost connection after CONNECT from client.example[192.0.2.1]");
  static_cast<void>(talk(world, {"HELO c", "MAIL FROM:<>"}));
  CHECK(second_to_last() == "NOQUEUE: lost connection after MAIL from client.example[192.0.2.1]");
  static_cast<void>(talk(world, {"HELO c", "MAIL FROM:<>", "RCPT TO:<alice>", "DATA", ">foo\r\n\r\nbar\r\n"}));
  CHECK(second_to_last() == "QID1: lost connection after DATA (12 bytes) from client.example[192.0.2.1]");
  static_cast<void>(talk(world, {"EHLO c", "MAIL FROM:<>", "RCPT TO:<alice>", ">BDAT 30\r\nabc"}));
  CHECK(second_to_last() == "QID2: lost connection after BDAT (3 bytes) from client.example[192.0.2.1]");
  static_cast<void>(talk(world, {"HELO c", "MAIL FROM:<>", "RCPT TO:<alice>", "DATA", "."}));
  CHECK(second_to_last() == "QID3: client=client.example[192.0.2.1]");
  CHECK(talk(world, {"HELO c", "MAIL FROM:<>", "<"}).back() == "421 4.4.2 mail.example.test Error: timeout exceeded");
  CHECK(second_to_last() == "NOQUEUE: timeout after MAIL from client.example[192.0.2.1]");
  for (std::size_t i = 0; i < 2; ++i) CHECK_FALSE(world.messages[i].finished);
}

TEST_CASE("what is not SMTP ends the session") {
  TestWorld world;
  const std::string out = "221 2.7.0 Error: I can break rules, too. Goodbye.";
  CHECK(talk(world, {"GET / HTTP/1.0", "NOOP"}) == Strings{out, "(closed)"});
  CHECK(world.log() == Strings{"connect from client.example[192.0.2.1]",
                               "warning: non-SMTP command from client.example[192.0.2.1]: GET / HTTP/1.0",
                               "disconnect from client.example[192.0.2.1] unknown=0/1 commands=0/1"});
  CHECK(talk(world, {"Subject: x", "NOOP"}) == Strings{out, "(closed)"});
  CHECK(talk(world, {".", "NOOP"}) == Strings{out, "(closed)"});
}

TEST_CASE("overlong lines: what counts is the start, and an endless one ends the session (S15)") {
  TestWorld world;
  const Strings replies = talk(world, {"EHLO c", "NOOP " + std::string(3000, '0'), "RCPT TO:<" + std::string(3000, '0')});
  CHECK(replies[1] == ok);
  CHECK(world.log()[1] == "warning: client.example[192.0.2.1]: request longer than 2048: NOOP 0000000000000000000000000...");
  CHECK(talk(world, {"NOOP " + std::string(100'000, '0')})[0].starts_with("421 4.7.0 "));
}

TEST_CASE("ETRN, VRFY switched off, words that are not UTF-8") {
  TestWorld world("disable_vrfy_command = yes\nsmtpd_helo_required = yes\n");
  CHECK(talk(world, {"ETRN relay.test", "EHLO c", "ETRN", "ETRN a b", "ETRN example.test", "ETRN @relay.test", "ETRN a..b",
                     "MAIL FROM:<>", "ETRN relay.test", "VRFY alice", "NOOP \xff"}) ==
        Strings{"503 Error: send HELO/EHLO first", std::string(ehlo_reply).erase(ehlo_reply.find("250-VRFY|"), 9),
                "500 Syntax: ETRN domain", "500 Syntax: ETRN domain", "459 <example.test>: service unavailable",
                "458 Unable to queue messages", "501 Error: invalid parameter syntax", mail_ok,
                "503 Error: MAIL transaction in progress", "502 5.5.1 VRFY command is disabled",
                "500 5.5.2 Error: bad UTF-8 syntax"});
}

namespace {

// The session as a state machine of a few lines: what class of reply each command must get.
struct Model {
  bool in_mail = false, in_rcpt = false, chunking = false, failed = false;

  void reset() { *this = {}; }
  int expect(std::string_view verb) {
    if (verb == "HELO" || verb == "EHLO" || verb == "RSET") {
      reset();
      return 2;
    }
    if (verb == "NOOP" || verb == "VRFY") return 2;
    if (verb == "MAIL") {
      if (in_mail || failed || chunking) return 5;
      in_mail = true;
      return 2;
    }
    if (verb == "RCPT") {
      if (!in_mail || chunking || failed) return 5;
      in_rcpt = true;
      return 2;
    }
    if (verb == "BADRCPT") return 5;
    if (verb == "DATA") {
      if (!in_rcpt || chunking || failed) return 5;
      reset();
      return 3;
    }
    if (verb == "BDAT" || verb == "LAST") {
      const bool good = in_rcpt && !failed;
      if (verb == "LAST") reset();
      else if (good) chunking = true;
      else failed = true;
      return good ? 2 : 5;
    }
    return 5;  // junk
  }
};

}  // namespace

TEST_CASE("random walks agree with a model of the session (S13, in small)") {
  TestWorld world("smtpd_hard_error_limit = 1000000\nsmtpd_soft_error_limit = 1000000\n");
  std::mt19937 random(20261124);
  constexpr std::string_view verbs[] = {"HELO", "EHLO", "MAIL", "RCPT", "DATA",    "BDAT", "LAST",
                                        "RSET", "NOOP", "VRFY", "JUNK", "BADRCPT", "AUTH", "STARTTLS"};
  std::size_t expected_messages = 0;
  for (int walk = 0; walk < 100; ++walk) {
    world.run([&](io::Stream& stream) {
      const auto say = [&](std::string_view bytes) {
        stream.write(bytes, base::after(std::chrono::seconds(5)));
        return read_reply(stream);
      };
      static_cast<void>(read_reply(stream));
      static_cast<void>(say("EHLO c\r\n"));
      Model model;
      std::string history;
      for (int step = 0; step < 100; ++step) {
        const std::string_view verb = verbs[random() % std::size(verbs)];
        const bool was_good = model.in_rcpt && !model.failed;
        const int expected = model.expect(verb);
        std::string line = std::string(verb) + "\r\n";
        if (verb == "HELO" || verb == "EHLO") line = std::string(verb) + " c\r\n";
        if (verb == "MAIL") line = "MAIL FROM:<a@x.test>\r\n";
        if (verb == "RCPT") line = "RCPT TO:<alice>\r\n";
        if (verb == "BADRCPT") line = "RCPT TO:<x@other.test>\r\n";
        if (verb == "VRFY") line = "VRFY alice\r\n";
        if (verb == "BDAT") line = "BDAT 3\r\nabc";
        if (verb == "LAST") line = "BDAT 3 LAST\r\nabc";
        std::string reply = say(line);
        history += std::string(verb) + " ";
        CAPTURE(history);
        REQUIRE(reply[0] - '0' == expected);
        if (expected == 3) {
          reply = say("x\r\n.\r\n");
          REQUIRE(reply[0] == '2');
          ++expected_messages;
        }
        if (verb == "LAST" && was_good) ++expected_messages;
      }
      static_cast<void>(say("QUIT\r\n"));
    });
  }
  std::size_t finished = 0;
  for (const TestMessage& message : world.messages) finished += message.finished ? 1 : 0;
  CHECK(finished == expected_messages);
  CHECK(world.open_messages == 0);
}
