#include "lib/imap/mailbox_name.h"

#include <string>

#include "lib/mail/modified_utf7.h"
#include "lib/testing/catch.h"

using imap::NameCoding;

TEST_CASE("modified UTF-7 and UTF-8 are the same names") {
  const struct { std::string_view utf7, utf8; } table[] = {
      {"", ""},
      {"abc", "abc"},
      {"a&-b", "a&b"},
      {"&-", "&"},
      {"&-&-", "&&"},
      {"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"},   // RFC 3501 section 5.1.3
      {"&AOk-t&AOk-", "été"},
      {"&2D3eAA-", "😀"},
      {"a&2D3eAA-b", "a😀b"},
      {"&AOkA6Q-", "éé"},
      {"&AAo-", "\n"},
      {"Entw&APw-rfe", "Entwürfe"},
      {"&AOk-&-", "é&"},
  };
  for (const auto& row : table) {
    INFO(row.utf7);
    CHECK(mail::decode_modified_utf7(row.utf7) == std::string(row.utf8));
    CHECK(mail::encode_modified_utf7(row.utf8) == row.utf7);
  }
}

TEST_CASE("a name has one text only") {
  for (const std::string_view text : {
           "&", "a&", "&AOk", "&AOk-&AOk-",   // not closed; closed and opened again
           "&AGE-", "&ACY-", "&U,BTFw-&ZeVnLIqe-",   // 'a' and '&' in base64
           "&2D0-", "&3gA-", "&2D0AYQ-", "&3gDYPQ-", "&2D3YPQ-",   // half surrogates
           "&A-", "&AO-", "&AOl-", "&AOkA-", "&AOkAAA=-",   // bits behind the last character, none, '='
           "&AO/-", "&A\xc3\xa9-", "\xc3\xa9", "a\nb", "a\x7f"}) {
    INFO(text);
    CHECK_FALSE(mail::decode_modified_utf7(text));
  }
}

TEST_CASE("bytes that are no UTF-8 are shown as such, and NUL is in no name") {
  CHECK(mail::encode_modified_utf7("a\xff") == "a&,,0-");
  CHECK_FALSE(imap::decode_mailbox_name(std::string_view("\0", 1), NameCoding::utf8));
  CHECK_FALSE(mail::decode_modified_utf7("&AAA-"));
}

TEST_CASE("INBOX has no case") {
  for (const auto coding : {NameCoding::utf7, NameCoding::utf8}) {
    CHECK(imap::decode_mailbox_name("inBox", coding) == "INBOX");
    CHECK(imap::decode_mailbox_name("inboxes", coding) == "inboxes");
    CHECK(imap::decode_mailbox_name("inbox/a", coding) == "inbox/a");
    CHECK_FALSE(imap::decode_mailbox_name("", coding));
    CHECK_FALSE(imap::decode_mailbox_name("a\nb", coding));
    CHECK_FALSE(imap::decode_mailbox_name(std::string(5000, 'a'), coding));
  }
  CHECK_FALSE(imap::decode_mailbox_name("&AAo-", NameCoding::utf7));
  CHECK_FALSE(imap::decode_mailbox_name("é", NameCoding::utf7));
  CHECK(imap::decode_mailbox_name("é", NameCoding::utf8) == "é");
  CHECK(imap::decode_mailbox_name("&AOk-", NameCoding::utf7) == "é");
  CHECK(imap::decode_mailbox_name("&AOk-", NameCoding::utf8) == "&AOk-");
  CHECK(imap::encode_mailbox_name("é", NameCoding::utf7) == "&AOk-");
  CHECK(imap::encode_mailbox_name("é", NameCoding::utf8) == "é");
}
