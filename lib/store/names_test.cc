#include "lib/store/names.h"

#include <cerrno>

#include "lib/mail/modified_utf7.h"
#include "lib/message/parts.h"
#include "lib/store/special_use.h"
#include "lib/testing/catch.h"

namespace store {
namespace {

Location at(std::string_view text, const Variables& variables = {"alice@example.test", "/home/alice"}) {
  const auto location = Location::parse(text, variables);
  REQUIRE(location.has_value());
  return *location;
}

bool is_refused(std::string_view text, const Variables& variables = {"alice@example.test", "/home/alice"}) {
  return !Location::parse(text, variables).has_value();
}

TEST_CASE("locations as Dovecot writes them") {
  const Location plain = at("maildir:~/Maildir");
  REQUIRE(plain.root == "/home/alice/Maildir");
  REQUIRE(plain.inbox == plain.root);
  REQUIRE(plain.separator() == '.');
  const Location full = at("maildir:/var/mail/%d/%n/:LAYOUT=fs:INBOX=~/in:INDEX=/i/%u:CONTROL=%h/ctl:UTF-8");
  REQUIRE(full.root == "/var/mail/example.test/alice");
  REQUIRE(full.layout == Location::Layout::fs);
  REQUIRE(full.separator() == '/');
  REQUIRE(full.inbox == "/home/alice/in");
  REQUIRE(full.index == "/i/alice@example.test");
  REQUIRE(full.control == "/home/alice/ctl");
  REQUIRE(full.utf8_names);
  const Location mbox = at("mbox:~/mail:INBOX=/var/mail/%u:INDEX=MEMORY");
  REQUIRE(mbox.kind == Location::Kind::mbox);
  REQUIRE(mbox.inbox == "/var/mail/alice@example.test");
  REQUIRE(mbox.index == "MEMORY");
  REQUIRE(at("mbox:~/mail").inbox == "/home/alice/mail/inbox");
}

TEST_CASE("locations that are none") {
  for (const char* text : {"", "dbox:~/x", "maildir:relative", "maildir:~/x:FOO=1", "maildir:%x/y", "maildir:/x%", "mbox:~/m:LAYOUT=maildir++"}) {
    INFO(text);
    REQUIRE(is_refused(text));
  }
  REQUIRE(is_refused("maildir:/m/%u", {"../bob", "/h"}));
  REQUIRE(is_refused("maildir:/m/%n", {"..@example.test", "/h"}));
  REQUIRE(is_refused("maildir:/m/%d", {"a@..", "/h"}));
  REQUIRE(is_refused("maildir:~/m", {"a", ""}));
}

TEST_CASE("modified UTF-7 both ways, and nothing else") {
  const std::pair<const char*, const char*> names[] = {
      {"Entwürfe", "Entw&APw-rfe"}, {"ä", "&AOQ-"}, {"&", "&-"}, {"a&b", "a&-b"}, {"台北", "&U,BTFw-"}, {"日本語", "&ZeVnLIqe-"}, {"😀", "&2D3eAA-"}};
  for (const auto& [utf8, utf7] : names) {
    REQUIRE(mail::encode_modified_utf7(utf8) == utf7);
    REQUIRE(mail::decode_modified_utf7(utf7) == utf8);
  }
  for (const char* bad : {"&", "&AOQ", "&AGE-", "&AOQ-&AOQ-", "&AOR-", "&2D0-", "\xc3\xa4", "&AAA-", "&===-"}) {
    INFO(bad);
    REQUIRE_FALSE(mail::decode_modified_utf7(bad));
  }
}

TEST_CASE("names on disk and back") {
  const Location plus = at("maildir:~/M");
  REQUIRE(disk_name("A.Bä", plus) == ".A.B&AOQ-");
  REQUIRE(name_of(".A.B&AOQ-", plus) == "A.Bä");
  REQUIRE_FALSE(name_of("cur", plus));
  REQUIRE_FALSE(name_of(".", plus));
  REQUIRE_FALSE(name_of("..", plus));
  REQUIRE_FALSE(name_of(".a..b", plus));
  const Location courier = at("maildir:~/M:UTF-8");
  REQUIRE(disk_name("A.ä", courier) == ".A.ä");
  REQUIRE(name_of(".A.ä", courier) == "A.ä");
  REQUIRE(disk_name("A/B.c", at("maildir:~/M:LAYOUT=fs")) == "A/B.c");
  REQUIRE(canonical_name("inbox.sub", '.') == "INBOX.sub");
  REQUIRE(canonical_name("Inbox", '.') == "INBOX");
  REQUIRE(canonical_name("inboxes", '.') == "inboxes");
}

TEST_CASE("names that would leave the root are refused") {
  const Location plus = at("maildir:~/M"), fs = at("maildir:~/M:LAYOUT=fs");
  using std::string_view_literals::operator""sv;
  for (const std::string_view name : {""sv, "."sv, ".a"sv, "a."sv, "a..b"sv, "a/b"sv, "../x"sv, "~bob"sv, "a\0b"sv, "a\nb"sv, "\xff"sv, "a\x7f"sv}) {
    INFO(name);
    REQUIRE_FALSE(check_name(name, plus));
  }
  for (const std::string_view name : {"/etc"sv, "a/../b"sv, ".."sv, "./x"sv, "a//b"sv, "cur"sv, "a/new"sv, "tmp/x"sv, "~/x"sv, "x.lock"sv, "..x"sv}) {
    INFO(name);
    REQUIRE_FALSE(check_name(name, fs));
  }
  REQUIRE(check_name("a.b", fs));
  REQUIRE(check_name("cur", plus));
  REQUIRE(check_name(std::string(300, 'x'), plus).error().code() == ENAMETOOLONG);
  std::string deep = "a";
  for (int i = 0; i < 1000; ++i) deep += ".a";
  REQUIRE(check_name(deep, plus).error().code() == ENAMETOOLONG);
}

TEST_CASE("special uses") {
  REQUIRE(special_use("\\sent") == special::sent);
  REQUIRE(special_use("Trash") == special::trash);
  REQUIRE(special_use("\\Seen") == 0);
  REQUIRE(special_use_names(special::sent | special::drafts) == std::vector<std::string_view>{"\\Drafts", "\\Sent"});
  const auto folders = parse_special_folders("Sent=\\Sent, Deleted Items=\\Trash, Lists");
  REQUIRE(folders.has_value());
  REQUIRE(folders->size() == 3);
  REQUIRE((*folders)[1].name == "Deleted Items");
  REQUIRE((*folders)[2].uses == 0);
  REQUIRE_FALSE(parse_special_folders("Sent=\\Foo"));
}

TEST_CASE("a message's size on the wire") {
  REQUIRE(message::wire_size("a\nb\r\nc") == 7);
}

}  // namespace
}  // namespace store
