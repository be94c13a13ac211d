#include "lib/store/uidlist.h"

#include "lib/store/file_name.h"
#include "lib/testing/catch.h"

namespace store {
namespace {

TEST_CASE("a uidlist that Dovecot wrote") {
  const auto list = Uidlist::parse(
      "3 V1795880647 N3 G594ef91ec5f60a6b22010000522ea783 Zfoo\n"
      "1 :1795880645.M523672P290.mail.example.test,S=17,W=20\n"
      "2 P00000002abc O7 W2481 :1795880645.M524519P290.mail.example.test,S=19:2,S\n"
      "9 :1795880645.M525214P290.mail.example.test\n");
  REQUIRE(list.has_value());
  REQUIRE(list->validity == 1795880647);
  REQUIRE(list->next == 10);
  REQUIRE(list->mailbox_id == "594ef91ec5f60a6b22010000522ea783");
  REQUIRE(list->whole);
  REQUIRE(list->lines.size() == 3);
  REQUIRE(list->find(2)->name == "1795880645.M524519P290.mail.example.test,S=19");
  REQUIRE(field(list->find(2)->fields, 'P') == "00000002abc");
  REQUIRE(field(list->find(2)->fields, 'O') == "7");
  REQUIRE_FALSE(field(list->find(2)->fields, 'G'));
  REQUIRE(list->find(3) == nullptr);
  REQUIRE(list->header() == "3 V1795880647 N10 G594ef91ec5f60a6b22010000522ea783 Zfoo\n");
  std::string line;
  Uidlist::append_line(line, 2, list->find(2)->fields, list->find(2)->name);
  REQUIRE(line == "2 P00000002abc O7 W2481 :1795880645.M524519P290.mail.example.test,S=19\n");
}

TEST_CASE("the old form, which is Courier's too") {
  const auto list = Uidlist::parse("1 1131985364 12\n3 a.b.c\n11 d:2,S\n");
  REQUIRE(list.has_value());
  REQUIRE(list->validity == 1131985364);
  REQUIRE(list->next == 12);
  REQUIRE(list->lines.size() == 2);
  REQUIRE(list->lines[1].name == "d");
  REQUIRE_FALSE(list->whole);
}

TEST_CASE("short lists survive being moved") {
  auto list = Uidlist::parse("1 5 2\n1 a\n");
  REQUIRE(list.has_value());
  const Uidlist moved = std::move(*list);
  REQUIRE(moved.lines[0].name == "a");
  REQUIRE(moved.lines[0].name.data() >= moved.text.data());
  REQUIRE(moved.lines[0].name.data() < moved.text.data() + moved.text.size());
}

TEST_CASE("uidlists that are damaged") {
  for (const char* none : {"", "\n", "3\n", "3 V0 N1\n", "2 V1 N1\n", "1 5\n", "x 5 5\n", "3 V99999999999 N1\n"}) {
    INFO(none);
    REQUIRE_FALSE(Uidlist::parse(none));
  }
  // A torn line could be a part of a name; UIDs that do not ascend, or names that would lead elsewhere, are nothing.
  const auto list = Uidlist::parse("3 V5 N1\n5 :a\n4 :b\n6 :../c\n7 :.d\n4294967295 :z\n8 x\n9 :e\n10 :tor");
  REQUIRE(list.has_value());
  REQUIRE_FALSE(list->whole);
  REQUIRE(list->lines.size() == 2);
  REQUIRE(list->next == 10);
}

TEST_CASE("file names") {
  const FileName name = FileName::split("1795880645.M1P2.host,S=17,W=20:2,FSac");
  REQUIRE(name.base == "1795880645.M1P2.host,S=17,W=20");
  REQUIRE(name.flags() == Flags{flag::flagged | flag::seen, 5});
  REQUIRE(name.size() == 17);
  REQUIRE(name.wire_size() == 20);
  REQUIRE(FileName::split("1.2.h").flags() == Flags{});
  REQUIRE_FALSE(FileName::split("1.2.h").size());
  REQUIRE_FALSE(FileName::split("1.2.h,S=x").size());
  REQUIRE(file_name("1.2.h", {flag::all, 3}) == "1.2.h:2,DFRSTab");
  REQUIRE(file_name("1.2.h", {}) == "1.2.h:2,");
  REQUIRE(file_name("1.2.h", {flag::seen, 0}, "2,FPS,x=1") == "1.2.h:2,PS,x=1");
  REQUIRE(arrived_before("999.M5.x", "1000.M1.x"));
  REQUIRE(arrived_before("1000.M1.x", "1000.M2.x"));
}

}  // namespace
}  // namespace store
