// Maildirs that Courier left.

#include "lib/store/maildir.h"

#include <vector>

#include "lib/store/courier.h"
#include "lib/store/courier_export.h"
#include "lib/store/names.h"

#include "lib/testing/mail_account.h"
#include "lib/testing/catch.h"

namespace store {

TEST_CASE("a mailbox that Courier left") {
  const TestAccount test;
  { static_cast<void>(test.open()); }
  write_text(test.root() + "courierimapuiddb", "1 1131985364 12\n3 1000.a.h\n11 1001.b.h,S=2\n");
  write_text(test.root() + "cur/1000.a.h:2,S", "a\n");
  write_text(test.root() + "cur/1001.b.h,S=2:2,", "b\n");
  write_text(test.root() + "new/1002.c.h", "c\n");
  const auto account = test.open();
  auto mailbox = inbox(*account);
  REQUIRE(mailbox->uid_validity() == 1131985364);
  REQUIRE(uids_of(*mailbox) == std::vector<Uid>{3, 11, 12});
  REQUIRE(read_text(test.root() + "dovecot-uidlist").starts_with("3 V1131985364 N1"));
}

TEST_CASE("what Courier knew of its messages") {
  const TestAccount test;
  { static_cast<void>(test.open()); }
  const std::string keywords = test.root() + "courierimapkeywords/";
  std::filesystem::create_directory(keywords);
  std::string names, of_b;
  for (int i = 0; i < 28; ++i) {
    names += "k" + std::to_string(i) + "\n";
    of_b += " " + std::to_string(i);
  }
  write_text(test.root() + "courierimapuiddb", "1 1131985364 12\n3 1000.a.h\n11 1001.b.h,S=2\n");
  write_text(test.root() + "courierpop3dsizelist", "/3 9 17\n1000.a.h:2,S 3 4:17:0\n1002.c.h:2, 3 8:17:0\n");
  write_text(keywords + ":list", names + "\n1000.a.h:27\n1001.b.h,S=2:" + of_b + "\n1002.c.h:27 26\n");
  write_text(test.root() + "cur/1000.a.h:2,S", "a\n");
  write_text(test.root() + "cur/1001.b.h,S=2:2,", "b\n");
  write_text(test.root() + "new/1002.c.h", "c\n");
  write_text(test.root() + "new/1003.d.h", "d\n");
  for (int round = 0; round < 3; ++round) {
    const auto account = test.open();
    // Also for who may change nothing, since it is the only time.
    auto mailbox = inbox(*account, round == 0 ? Access::read_only : Access::read_write);
    REQUIRE(uids_of(*mailbox) == std::vector<Uid>{3, 11, 12, 13});
    REQUIRE(mailbox->pop3_uidl(3) == "UID4-17");
    REQUIRE(mailbox->pop3_uidl(11).empty());
    REQUIRE(mailbox->pop3_uidl(12) == "UID8-17");
    REQUIRE(mailbox->pop3_uidl(13).empty());
    const auto names_of = [&](Uid uid) {
      std::string all;
      for (std::size_t i = 0; i < mailbox->keywords().size(); ++i) {
        if ((mailbox->find(uid)->flags.keywords >> i & 1) != 0) all += mailbox->keywords()[i] + " ";
      }
      return all;
    };
    REQUIRE(names_of(3) == "k27 ");
    REQUIRE(std::ranges::count(names_of(11), ' ') == 28);
    REQUIRE(names_of(12) == "k27 k26 ");
    REQUIRE(names_of(13).empty());
    REQUIRE(mailbox->find(3)->flags.system == flag::seen);
    // Those that most messages have are those with letters.
    REQUIRE(read_text(test.root() + "dovecot-keywords").starts_with("0 k27\n1 k26\n2 k0\n"));
    REQUIRE(files_in(test.root() + "cur")[0] == "1000.a.h:2,Sa");
    if (round == 0) {
      REQUIRE(files_in(test.root() + "new") == std::vector<std::string>{"1002.c.h:2,ab", "1003.d.h"});
      // Later its files are not looked at any more.
      write_text(keywords + "1000.a.h", "k3\n");
    }
  }
  // When our list is lost, no UID is given twice.
  {
    const auto account = test.open();
    auto mailbox = inbox(*account);
    std::filesystem::remove(test.root() + "dovecot-uidlist");
    REQUIRE(mailbox->refresh());
    REQUIRE(mailbox->uid_validity() == 1131985364);
    REQUIRE(uids_of(*mailbox) == std::vector<Uid>{3, 11, 14, 15});
  }
}

TEST_CASE("a letter that means nothing any more gets no new meaning from Courier") {
  const TestAccount test;
  { static_cast<void>(test.open()); }
  std::filesystem::create_directory(test.root() + "courierimapkeywords");
  write_text(test.root() + "courierimapkeywords/:list", "own\nother\n\n1000.a.h:0\n1001.b.h:0 1\n999.gone.h:1\n998.gone.h:1\n");
  write_text(test.root() + "cur/1000.a.h:2,Sac", "a\n");
  write_text(test.root() + "cur/1001.b.h:2,", "b\n");
  const auto account = test.open();
  auto mailbox = inbox(*account);
  REQUIRE(read_text(test.root() + "dovecot-keywords") == "1 own\n3 other\n");
  REQUIRE(files_in(test.root() + "cur") == std::vector<std::string>{"1000.a.h:2,Sabc", "1001.b.h:2,bd"});
  REQUIRE(mailbox->find(1)->flags.keywords == 2);
  REQUIRE(mailbox->find(2)->flags.keywords == 10);
}

TEST_CASE("mail that is added takes the mailbox over") {
  const TestAccount test;
  { static_cast<void>(test.open()); }
  std::filesystem::create_directory(test.root() + "courierimapkeywords");
  write_text(test.root() + "courierimapkeywords/1000.a.h", "own\n");
  write_text(test.root() + "courierpop3dsizelist", "/3 9 17\n1000.a.h:2,S 3 4:17:0\n");
  write_text(test.root() + "cur/1000.a.h:2,S", "a\n");
  const auto account = test.open();
  auto opened = account->open("INBOX", Access::read_write);
  REQUIRE(append_one(**opened, "Subject: s\r\n\r\nbody\r\n") == 2);
  REQUIRE((*opened)->refresh());
  REQUIRE((*opened)->pop3_uidl(1) == "UID4-17");
  REQUIRE((*opened)->find(1)->flags.keywords == 1);
  REQUIRE((*opened)->keywords() == std::vector<std::string>{"own"});
}

TEST_CASE("a mailbox goes back to Courier") {
  const TestAccount test;
  const auto account = test.open();
  const std::string keywords = test.root() + "courierimapkeywords/";
  std::filesystem::create_directory(keywords);
  write_text(keywords + "1000.a.h", "stale\n");
  write_text(keywords + ".5.1000.a.h", "older\n");
  {
    auto mailbox = inbox(*account);
    const std::vector<std::string> names{"unused", "one", "two"};
    const std::uint64_t bits = *mailbox->keyword_bits(names, Mailbox::NewKeywords::add);
    REQUIRE(append_one(*mailbox, "Subject: a\n\n", Flags{.system = 0, .keywords = bits & ~std::uint64_t{1}}) == 1);
    REQUIRE(append_one(*mailbox, "Subject: b\n\n") == 2);
    REQUIRE(append_one(*mailbox, "Subject: c\n\n", Flags{.system = 0, .keywords = 4}) == 3);
    const std::vector<Uid> first{1};
    REQUIRE(mailbox->expunge(first)->size() == 1);
  }
  REQUIRE(account->subscribe("Sent.2024"));
  const auto done = export_to_courier(*account, std::string(inbox_name), *UidlFormat::parse("UID%u-%v"));
  REQUIRE(done);
  CHECK((done->messages == 2 && done->without_uidl == 0));
  REQUIRE(export_subscriptions_to_courier(*account));
  auto mailbox = inbox(*account);
  const std::string v = std::to_string(mailbox->uid_validity()), b = mailbox->base_name(2), c = mailbox->base_name(3);
  CHECK(read_text(test.root() + "courierimapuiddb") == "1 " + v + " 4\n2 " + b + "\n3 " + c + "\n");
  CHECK(read_text(test.root() + "courierpop3dsizelist") == "/3 4 " + v + "\n" + b + ":2, 14 2:" + v + ":0\n" + c + ":2, 14 3:" + v + ":0\n");
  CHECK(read_text(keywords + ":list") == "two\n\n" + c + ":0\n");
  CHECK(files_in(keywords) == std::vector<std::string>{":list"});
  CHECK(read_text(test.root() + "courierimapsubscribed") == "INBOX.Sent.2024\n");
  // And its reader reads it.
  CHECK(courier_uidls(read_text(test.root() + "courierpop3dsizelist")).at(c) == "UID3-" + v);
  CHECK(export_to_courier(*account, std::string(inbox_name), *UidlFormat::parse("%08Xu%08Xv"))->without_uidl == 2);
}

TEST_CASE("unique ids that Courier could have given") {
  CHECK(as_courier_uidl("UID5-17", "x") == CourierUidl{5, 17});
  CHECK(as_courier_uidl("UID5", "x") == CourierUidl{5, 0});
  CHECK(as_courier_uidl("1.M2.h", "1.M2.h") == CourierUidl{0, 0});
  for (const std::string_view other : {"UID05-17", "UID5-", "UID-17", "UID5-0", "UID0", "5-17", "UID5-17-", "", "000000ab"}) CHECK(!as_courier_uidl(other, "x"));
}

}  // namespace store
