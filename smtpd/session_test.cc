#include "smtpd/session_talk.h"

#include "lib/config/main_cf.h"
#include "lib/testing/catch.h"

namespace smtpd {
namespace {

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

TEST_CASE("a restriction that nobody knows refuses") {
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
  const auto starts = [](const std::string& main_cf) {
    const auto main = config::Main::parse(main_cf, "/etc/postfix");
    const auto params = Params::load(*main);
    maps::Tables tables({});
    return policy::Lists::parse(*main, *params, tables).has_value();
  };
  CHECK_FALSE(starts("smtpd_relay_restrictions =\n"));
  CHECK_FALSE(starts("smtpd_relay_restrictions = permit, reject_unauth_destination\n"));
  CHECK_FALSE(starts("smtpd_relay_restrictions = permit_mynetworks warn_if_reject reject_unauth_destination\n"));
  CHECK(starts("smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = permit_mynetworks, reject\n"));
  CHECK(starts("smtpd_relay_restrictions = mine\nsmtpd_restriction_classes = mine\nmine = defer_unauth_destination\n"));
  CHECK_FALSE(starts("smtpd_relay_restrictions = mine\nsmtpd_restriction_classes = mine\nmine = permit_mynetworks\n"));
  CHECK_FALSE(starts("smtpd_relay_restrictions = reject\nsmtpd_restriction_classes = empty\n"));
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

}  // namespace
}  // namespace smtpd
