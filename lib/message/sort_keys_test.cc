// What SORT compares. Recorded from Dovecot 2.4 where it is not the RFC's.

#include "lib/message/sort_keys.h"

#include <string>

#include "lib/testing/catch.h"

namespace {

std::string display_name(const std::string& address) { return message::sort_display_name("From: " + address + "\n\n", "From"); }
std::string mailbox(const std::string& address) { return message::sort_mailbox("From: " + address + "\n\n", "From"); }

}  // namespace

TEST_CASE("addresses are sorted by the first one's mailbox") {
  CHECK(mailbox("\"Joe\" <joe@example.net>, a@example.net") == "JOE");
  CHECK(mailbox("team: a@x, b@x;") == "TEAM");
  CHECK(mailbox("<>") == "MISSING_MAILBOX");
  CHECK(mailbox("=?utf-8?q?b?=@x") == "=?UTF-8?Q?B?=");
  CHECK(message::sort_mailbox("To: a@x\n\n", "From").empty());
  CHECK(message::sort_mailbox("FROM: y@x\nfrom: z@x\n\n", "From") == "Y");
  CHECK(message::sort_mailbox("From:\nFrom: z@x\n\n", "From").empty());
}

TEST_CASE("addresses are sorted by the name that is shown") {
  CHECK(display_name("\"Joe\" <j@example.net>") == "JOE");
  CHECK(display_name("=?utf-8?q?=C3=84rmel?= <j@x>") == "A\xcc\x88RMEL");
  CHECK(display_name("\"\" <j@Example.net>") == "J@EXAMPLE.NET");
  CHECK(display_name("j@x (Joe)") == "JOE");
  CHECK(display_name("team: a@x;") == "TEAM");
  CHECK(display_name("\xff <j@x>").size() > 0);
}

TEST_CASE("keys have an end") {
  CHECK(message::sort_subject("Subject: " + std::string(5000, 'a') + "\n\n").size() == message::sort_key_size_max);
  CHECK(mailbox(std::string(5000, 'a') + "@x").size() == message::sort_key_size_max);
}

TEST_CASE("the first date counts, if it is one") {
  CHECK(message::sort_date("Date: Mon, 2 Jan 2023 10:00:00 +0100\n\n")->time_since_epoch().count() == 1672650000);
  CHECK_FALSE(message::sort_date("Date: x\nDate: Mon, 2 Jan 2023 10:00:00 +0100\n\n"));
  CHECK(message::sort_date("Date: Mon, 2 Jan 2023 10:00:00 +0100\nDate: x\n\n"));
  CHECK_FALSE(message::sort_date("\n"));
}

TEST_CASE("of a header stays what is looked at") {
  const std::string message = "Received: x\nFrom: a@x\r\n b\r\nX: y\nsubject: s\nReferences: <1>\n <2>\n\nDate: body\n";
  CHECK(message::sort_fields(message) == "From: a@x\r\n b\r\nsubject: s\nReferences: <1>\n <2>\n\n");
  CHECK(message::sort_fields(std::string("Subject: a\0b\n", 13)) == "Subject: a\xef\xbf\xbd" "b\n\n");
  CHECK(message::sort_fields("Subject: no end") == "Subject: no end\n\n");
  CHECK(message::sort_fields("") == "\n");
}
