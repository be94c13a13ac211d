#include "lib/imap/url.h"

#include <string>

#include "lib/testing/catch.h"

namespace {

// "user@host mailbox;validity uid section<offset.size>", or the words for BADURL.
std::string read(std::string_view text) {
  const auto url = imap::MessageUrl::parse(text);
  if (!url) return url.error().message();
  std::string out;
  if (!url->host.empty()) out = url->user + "@" + url->host + " ";
  out += url->mailbox;
  if (url->uid_validity) out += ";" + std::to_string(*url->uid_validity);
  out += " " + std::to_string(url->uid);
  for (const auto part : url->section.part) out += " " + std::to_string(part);
  if (url->section.text != imap::Section::Text::whole) out += " text" + std::to_string(static_cast<int>(url->section.text));
  for (const auto& field : url->section.fields) out += " " + field;
  if (url->section.partial) out += " <" + std::to_string(url->section.partial->offset) + "." + std::to_string(url->section.partial->size) + ">";
  return out;
}

}  // namespace

TEST_CASE("an URL names a message or a part of one") {
  const struct { std::string_view says, seen; } table[] = {
      {"/INBOX/;UID=1", "INBOX 1"},
      {"INBOX/;UID=1/", "INBOX 1"},
      {"/inbox;uidvalidity=785799047/;uid=113330/;section=1.5.9", "INBOX;785799047 113330 1 5 9"},
      {"/IN%42OX/;UID=1", "INBOX 1"},
      {"/a/b%20c%C3%A9/;UID=4294967295", "a/b cé 4294967295"},
      {";UID=1", " 1"},
      {"/;UID=1/;PARTIAL=3", " 1 <3.9223372036854775807>"},
      {"/x/;UID=1/;SECTION=TEXT/;PARTIAL=0.3", "x 1 text4 <0.3>"},
      {"/x/;UID=1/;SECTION=1.HEADER.FIELDS%20(subject%20To)", "x 1 1 text2 SUBJECT TO"},
      {"imap://alice@mail.example.test/INBOX/;UID=1", "alice@mail.example.test INBOX 1"},
      {"IMAP://al%40ice;AUTH=*@[::1]:143/INBOX/;UID=1", "al@ice@[::1] INBOX 1"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    CHECK(read(row.says) == row.seen);
  }
}

TEST_CASE("what names no message is refused") {
  const struct { std::string_view says, seen; } table[] = {
      {"", "Invalid messagepart IMAP URL"},
      {"x", "Invalid messagepart IMAP URL"},
      {"/INBOX", "Invalid messagepart IMAP URL"},
      {"imap://h", "Invalid messagepart IMAP URL"},
      {"/INBOX/;UID=0", "Invalid IMAP URL: Bad UID"},
      {"/INBOX/;UID=x", "Invalid IMAP URL: Bad UID"},
      {"/INBOX/;UID=1;x=y", "Invalid IMAP URL: Bad UID"},
      {"/INBOX/;SECTION=1", "Invalid IMAP URL: Bad UID"},
      {"/INBOX/;UID=4294967296", "Invalid IMAP URL: Bad UID"},
      {"/INBOX/;UID=1/;SECTION=FOO", "Invalid IMAP URL: Bad SECTION"},
      {"/INBOX/;UID=1/;SECTION=", "Invalid IMAP URL: Bad SECTION"},
      {"/INBOX/;UID=1/;SECTION=HEADER.FIELDS", "Invalid IMAP URL: Bad SECTION"},
      {"/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20()", "Invalid IMAP URL: Bad SECTION"},
      {"/INBOX/;UID=1/;PARTIAL=x", "Invalid IMAP URL: Bad PARTIAL"},
      {"/INBOX/;UID=1/;PARTIAL=1.x", "Invalid IMAP URL: Bad PARTIAL"},
      {"/INBOX/;UID=1/;PARTIAL=0.3/;SECTION=1", "Invalid IMAP URL: Unexpected parameter"},
      {"/INBOX/;UID=1/;URLAUTH=anonymous", "Invalid IMAP URL: Unexpected parameter"},
      {"/INBOX/;UID=1?x", "Invalid IMAP URL: Query and fragment do not go with a message"},
      {"/INBOX/;UID=1#x", "Invalid IMAP URL: Query and fragment do not go with a message"},
      {"/x;UIDVALIDITY=0/;UID=1", "Invalid IMAP URL: Bad UIDVALIDITY"},
      {"/x;UIDVALIDITY=1;y/;UID=1", "Invalid IMAP URL: Bad UIDVALIDITY"},
      {"/;UIDVALIDITY=1/;UID=1", "Invalid IMAP URL: Bad UID"},
      {"/IN%4/;UID=1", "Invalid IMAP URL: Bad mailbox name"},
      {"/IN%00/;UID=1", "Invalid IMAP URL: Bad mailbox name"},
      {"/IN%FF/;UID=1", "Invalid IMAP URL: Bad mailbox name"},
      {"imap:///INBOX/;UID=1", "Invalid IMAP URL: IMAP URL does not allow empty host identifier"},
      {"//x/INBOX/;UID=1", "Invalid IMAP URL: Not an IMAP URL"},
      {"http://x/", "Invalid IMAP URL: Not an IMAP URL"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    CHECK(read(row.says) == row.seen);
  }
  CHECK(read("/" + std::string(5000, 'x') + "/;UID=1") == "Invalid IMAP URL: Too long");
}
