#include "lib/store/maildir.h"

#include <algorithm>
#include <span>
#include <vector>

#include <unistd.h>

#include "lib/testing/mail_account.h"
#include "lib/testing/catch.h"

namespace store {
namespace {

const std::string text = "Subject: s\r\n\r\nbody\r\n";

TEST_CASE("a new Maildir gets what Dovecot would write") {
  const TestAccount test;
  const auto account = test.open();
  auto mailbox = inbox(*account);
  REQUIRE(mailbox->entries().empty());
  REQUIRE(mailbox->uid_next() == 1);
  REQUIRE(append_one(*mailbox, text, {flag::seen, 0}) == 1);
  REQUIRE(append_one(*mailbox, text) == 2);
  const Changes changes = *mailbox->refresh();
  REQUIRE(changes.arrived == std::vector<Uid>{1, 2});
  auto files = files_in(test.root() + "cur");
  REQUIRE(files.size() == 2);
  if (files[1].ends_with('S')) std::swap(files[0], files[1]);  // the first to come is not the first by name
  REQUIRE(files[0].ends_with(".host.test,S=17,W=20:2,S"));
  REQUIRE(read_text(test.root() + "cur/" + files[0]) == "Subject: s\n\nbody\n");
  const std::string list = read_text(test.root() + "dovecot-uidlist");
  REQUIRE(list == "3 V" + std::to_string(mailbox->uid_validity()) + " N1 G" + std::string(mailbox->mailbox_id()) + "\n1 :" +
                      files[0].substr(0, files[0].find(':')) + "\n2 :" + files[1].substr(0, files[1].find(':')) + "\n");
  REQUIRE(mailbox->facts(1)->size == 20);
  REQUIRE(mailbox->open(2)->text() == "Subject: s\n\nbody\n");
  REQUIRE(files_in(test.root() + "tmp").empty());
  REQUIRE_FALSE(std::filesystem::exists(test.root() + "dovecot-uidlist.lock"));
}

TEST_CASE("messages that others deliver, rename and remove") {
  const TestAccount test;
  const auto account = test.open();
  auto mailbox = inbox(*account);
  write_text(test.root() + "new/1000.2.h", "b\n");
  write_text(test.root() + "new/999.1.h", "a\n");
  Changes changes = *mailbox->refresh();
  REQUIRE(changes.arrived == std::vector<Uid>{1, 2});
  REQUIRE(mailbox->open(1)->text() == "a\n");
  REQUIRE((mailbox->find(1)->flags.system & flag::recent) != 0);
  REQUIRE(files_in(test.root() + "new").empty());
  REQUIRE(files_in(test.root() + "cur") == std::vector<std::string>{"1000.2.h:2,", "999.1.h:2,"});

  std::filesystem::rename(test.root() + "cur/999.1.h:2,", test.root() + "cur/999.1.h:2,FS");
  REQUIRE(mailbox->open(1)->text() == "a\n");  // found again, without a refresh
  changes = *mailbox->refresh();
  REQUIRE(changes.changed == std::vector<Uid>{1});
  REQUIRE((mailbox->find(1)->flags.system & flag::all) == (flag::flagged | flag::seen));
  const ModSeq before = mailbox->highest_modseq();

  std::filesystem::remove(test.root() + "cur/1000.2.h:2,");
  changes = *mailbox->refresh();
  REQUIRE(changes.vanished == std::vector<Uid>{2});
  REQUIRE(mailbox->highest_modseq() > before);
  REQUIRE(mailbox->vanished_since(before) == std::vector<UidRange>{{2, 2}});
  REQUIRE(mailbox->vanished_since(mailbox->highest_modseq()).empty());
  REQUIRE_FALSE(mailbox->open(2));

  // What comes back after we told that it is gone is another message.
  write_text(test.root() + "cur/1000.2.h:2,", "b\n");
  changes = *mailbox->refresh();
  REQUIRE(changes.arrived == std::vector<Uid>{3});
}

TEST_CASE("flags and keywords are in file names") {
  const TestAccount test;
  const auto account = test.open();
  auto mailbox = inbox(*account);
  const Uid uid = append_one(*mailbox, text);
  REQUIRE(mailbox->refresh());
  const std::vector<std::string> names{"$Forwarded", "Foo"};
  const auto bits = mailbox->keyword_bits(names, Mailbox::NewKeywords::add);
  REQUIRE(bits == 3U);
  REQUIRE(mailbox->keyword_bits(std::vector<std::string>{"foo", "bar"}, Mailbox::NewKeywords::ignore) == 2U);
  REQUIRE(read_text(test.root() + "dovecot-keywords") == "0 $Forwarded\n1 Foo\n");
  const ModSeq before = mailbox->highest_modseq();
  auto stored = mailbox->store(std::vector<Uid>{uid, 77}, FlagChange::add, {flag::seen | flag::draft, *bits}, {});
  REQUIRE(stored->changed == std::vector<Uid>{uid});
  REQUIRE(stored->gone == std::vector<Uid>{77});
  REQUIRE(files_in(test.root() + "cur")[0].ends_with(":2,DSab"));
  REQUIRE(mailbox->find(uid)->modseq > before);
  // Unchanged since: refused, and nothing happens when nothing would change.
  stored = mailbox->store(std::vector<Uid>{uid}, FlagChange::set, {}, before);
  REQUIRE(stored->modified == std::vector<Uid>{uid});
  stored = mailbox->store(std::vector<Uid>{uid}, FlagChange::add, {flag::seen, 0}, {});
  REQUIRE(stored->changed.empty());
  stored = mailbox->store(std::vector<Uid>{uid}, FlagChange::remove, {flag::draft, 1}, {});
  REQUIRE(files_in(test.root() + "cur")[0].ends_with(":2,Sb"));
  const Changes changes = *mailbox->refresh();
  REQUIRE(changes.changed == std::vector<Uid>{uid});
  REQUIRE(changes.keywords);
  REQUIRE(mailbox->refresh()->none());
}

TEST_CASE("keywords beyond the alphabet are kept too") {
  const TestAccount test;
  Uid uid = 0;
  {
    const auto account = test.open();
    auto mailbox = inbox(*account);
    uid = append_one(*mailbox, text);
    REQUIRE(mailbox->refresh());
    std::vector<std::string> names;
    for (int i = 0; i < 40; ++i) names.push_back("key" + std::to_string(i));
    const auto bits = mailbox->keyword_bits(names, Mailbox::NewKeywords::add);
    REQUIRE(bits == (std::uint64_t{1} << 40) - 1);
    REQUIRE(mailbox->store(std::vector<Uid>{uid}, FlagChange::add, {0, *bits}, {}));
    std::vector<std::string> many;
    for (int i = 40; i < 65; ++i) many.push_back("key" + std::to_string(i));
    REQUIRE(mailbox->keyword_bits(many, Mailbox::NewKeywords::add).error().code() == ENOSPC);
  }
  for (const bool with_index : {true, false}) {
    if (!with_index) std::filesystem::remove(test.root() + "valija.index");
    const auto account = test.open();
    auto mailbox = inbox(*account);
    REQUIRE(mailbox->find(uid)->flags.keywords == (std::uint64_t{1} << 40) - 1);
    REQUIRE(mailbox->keywords()[39] == "key39");
  }
}

TEST_CASE("a cache that is mostly waste is begun anew, and only such a one") {
  const TestAccount test;
  const std::string piece(60'000, 'p');
  const auto is_kept_after = [&](std::span<const Uid> cached) {
    {
      const auto account = test.open();
      auto mailbox = inbox(*account);
      for (const Uid uid : cached) mailbox->cache(uid, piece);
    }
    const auto account = test.open();
    return inbox(*account)->cached(cached.front()) == piece;
  };
  {
    const auto account = test.open();
    auto mailbox = inbox(*account);
    for (int i = 0; i < 20; ++i) append_one(*mailbox, text);
    REQUIRE(mailbox->refresh());
  }
  std::vector<Uid> each(20);
  std::ranges::generate(each, [uid = Uid{0}]() mutable { return ++uid; });
  CHECK(is_kept_after(each));
  CHECK(is_kept_after(each));
  CHECK_FALSE(is_kept_after(each));
}

TEST_CASE("nothing changes over the index, or without it") {
  const TestAccount test;
  ModSeq highest = 0;
  std::uint32_t validity = 0;
  {
    const auto account = test.open();
    auto mailbox = inbox(*account);
    for (int i = 0; i < 5; ++i) append_one(*mailbox, text);
    REQUIRE(mailbox->refresh());
    REQUIRE(mailbox->expunge(std::vector<Uid>{2, 4}) == std::vector<Uid>{2, 4});
    REQUIRE(mailbox->refresh()->vanished.empty() == false);
    mailbox->cache(3, "envelope");
    highest = mailbox->highest_modseq();
    validity = mailbox->uid_validity();
  }
  REQUIRE(std::filesystem::exists(test.root() + "valija.index"));
  {
    const auto account = test.open();
    auto mailbox = inbox(*account);
    REQUIRE(uids_of(*mailbox) == std::vector<Uid>{1, 3, 5});
    REQUIRE(mailbox->highest_modseq() == highest);
    REQUIRE(mailbox->vanished_since(mailbox->find(5)->modseq) == std::vector<UidRange>{{2, 2}, {4, 4}});
    REQUIRE(mailbox->cached(3) == "envelope");
    REQUIRE_FALSE(mailbox->cached(1));
  }
  const std::string index = read_text(test.root() + "valija.index");
  for (std::size_t at = 0; at < index.size(); at += 7) {
    std::string damaged = index;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    if (at % 2 == 0) damaged.resize(at);
    write_text(test.root() + "valija.index", damaged);
    const auto account = test.open();
    auto mailbox = inbox(*account, Access::read_only);
    INFO("byte " << at);
    REQUIRE(uids_of(*mailbox) == std::vector<Uid>{1, 3, 5});
    REQUIRE(mailbox->uid_validity() == validity);
    REQUIRE(mailbox->uid_next() == 6);
    REQUIRE(mailbox->open(3)->text() == "Subject: s\n\nbody\n");
    REQUIRE(mailbox->facts(5)->size == 20);
    // Without an index nobody knows what went when: all that is not there may be told, so that no client keeps it.
    REQUIRE(mailbox->highest_modseq() >= highest);
  }
}

TEST_CASE("an index of a process that was killed is not trusted about changes") {
  const TestAccount test;
  const auto account = test.open();
  { append_one(*inbox(*account), text); }
  { static_cast<void>(inbox(*account)->refresh()); }
  ModSeq highest = 0;
  {
    auto mailbox = inbox(*account);
    highest = mailbox->highest_modseq();
  }
  write_text(test.root() + "valija.index.open", "");
  auto mailbox = inbox(*account);
  REQUIRE(mailbox->highest_modseq() > highest);
  REQUIRE(mailbox->find(1)->modseq > highest);
  mailbox.reset();
  REQUIRE_FALSE(std::filesystem::exists(test.root() + "valija.index.open"));
}

TEST_CASE("several messages are added all or not at all") {
  const TestAccount test;
  const auto account = test.open();
  auto mailbox = inbox(*account);
  {
    auto append = std::move(*mailbox->append());
    REQUIRE(append->begin({}, std::nullopt));
    REQUIRE(append->write("a\r"));
    REQUIRE(append->write("\nb\rc\r"));
    REQUIRE(append->begin({flag::flagged, 0}, Stamp(std::chrono::seconds(1577872800))));
    REQUIRE(append->write("x"));
    REQUIRE(*append->commit() == std::vector<Uid>{1, 2});
  }
  REQUIRE(mailbox->refresh()->arrived == std::vector<Uid>{1, 2});
  REQUIRE(mailbox->open(1)->text() == "a\nb\rc\r");
  REQUIRE(mailbox->facts(1)->size == 7);
  REQUIRE(mailbox->facts(2)->internal_date == Stamp(std::chrono::seconds(1577872800)));
  {
    auto append = std::move(*mailbox->append());
    REQUIRE(append->begin({}, std::nullopt));
    REQUIRE(append->write("gone"));
  }
  REQUIRE(files_in(test.root() + "tmp").empty());
  REQUIRE(mailbox->refresh()->none());
}

TEST_CASE("copy and move") {
  const TestAccount test;
  const auto account = test.open();
  REQUIRE(account->create("Sent"));
  auto mailbox = inbox(*account);
  auto sent = std::move(*account->open("Sent", Access::read_write));
  const auto bits = mailbox->keyword_bits(std::vector<std::string>{"a", "b"}, Mailbox::NewKeywords::add);
  for (int i = 0; i < 3; ++i) append_one(*mailbox, text, {flag::seen, 2});
  REQUIRE(mailbox->refresh());
  auto copied = mailbox->copy(std::vector<Uid>{1, 3}, *sent);
  REQUIRE(copied->pairs == std::vector<std::pair<Uid, Uid>>{{1, 1}, {3, 2}});
  REQUIRE(copied->uid_validity == sent->uid_validity());
  REQUIRE(sent->refresh()->arrived == std::vector<Uid>{1, 2});
  REQUIRE(sent->keywords() == std::vector<std::string>{"b"});
  REQUIRE(sent->find(1)->flags == Flags{flag::seen | flag::recent, 1});
  copied = mailbox->copy(std::vector<Uid>{1}, *mailbox);  // to itself
  REQUIRE(copied->pairs == std::vector<std::pair<Uid, Uid>>{{1, 4}});
  REQUIRE(mailbox->refresh()->arrived == std::vector<Uid>{4});
  const auto moved = mailbox->move(std::vector<Uid>{2, 4}, *sent);
  REQUIRE(moved->pairs == std::vector<std::pair<Uid, Uid>>{{2, 3}, {4, 4}});
  REQUIRE(mailbox->refresh()->vanished == std::vector<Uid>{2, 4});
  REQUIRE(uids_of(*mailbox) == std::vector<Uid>{1, 3});
  REQUIRE(sent->refresh()->arrived == std::vector<Uid>{3, 4});
  REQUIRE(sent->open(4)->text() == "Subject: s\n\nbody\n");
  REQUIRE(files_in(test.root() + ".Sent/cur").size() == 4);
}

TEST_CASE("one's own message is recent, also behind another's that has not been looked at") {
  const TestAccount test;
  const auto account = test.open(), other_account = test.open();
  auto mailbox = inbox(*account), other = inbox(*other_account);
  append_one(*other, text, {});
  append_one(*mailbox, text, {});
  REQUIRE(mailbox->refresh()->arrived == std::vector<Uid>{1, 2});
  CHECK(mailbox->find(1)->flags.system == 0);
  CHECK(mailbox->find(2)->flags.system == flag::recent);
}

TEST_CASE("POP3's fields survive") {
  const TestAccount test;
  { static_cast<void>(test.open()); }
  write_text(test.root() + "dovecot-uidlist", "3 V77 N9 G594ef91ec5f60a6b22010000522ea783\n3 P0000abc O2 W5 :1000.a.h\n5 :1001.b.h\n");
  write_text(test.root() + "cur/1000.a.h:2,S", "a\n");
  write_text(test.root() + "cur/1001.b.h:2,", "b\n");
  write_text(test.root() + "new/1002.c.h", "c\n");
  const auto account = test.open();
  auto mailbox = inbox(*account);
  REQUIRE(mailbox->pop3_uidl(3) == "0000abc");
  REQUIRE(mailbox->pop3_order(3) == 2);
  REQUIRE(mailbox->pop3_uidl(5).empty());
  REQUIRE(uids_of(*mailbox) == std::vector<Uid>{3, 5, 9});
  REQUIRE(read_text(test.root() + "dovecot-uidlist") ==
          "3 V77 N9 G594ef91ec5f60a6b22010000522ea783\n3 P0000abc O2 W5 :1000.a.h\n5 :1001.b.h\n9 :1002.c.h\n");
  // A torn line is no line, and is not added to.
  write_text(test.root() + "dovecot-uidlist", "3 V77 N9 G594ef91ec5f60a6b22010000522ea783\n3 P0000abc O2 W5 :1000.a.h\n5 :1001.b.h\n9 :1002");
  write_text(test.root() + "new/1003.d.h", "d\n");
  REQUIRE(append_one(*mailbox, text) == 9);
}

}  // namespace
}  // namespace store
