#include "lib/store/mbox.h"

#include <unistd.h>

#include "lib/store/mbox_rewrite.h"
#include "lib/testing/kill_at.h"
#include "lib/testing/mail_account.h"
#include "lib/testing/catch.h"

namespace store {
namespace {

const std::string from_line = "From a@b  Tue Nov 24 06:44:01 2026\n";

std::string mail(int number) { return from_line + "Subject: " + std::to_string(number) + "\n\nbody " + std::to_string(number) + "\n\n"; }
std::string shown(int number) { return "Subject: " + std::to_string(number) + "\n\nbody " + std::to_string(number) + "\n"; }

std::string text_of(Mailbox& mailbox, Uid uid) {
  const auto message = mailbox.open(uid);
  return message ? std::string(message->text()) : message.error().message();
}

TEST_CASE("From_ lines") {
  REQUIRE(parse_from_line("From a@b  Tue Nov 24 06:44:01 2026") == 1795502641);
  REQUIRE(parse_from_line("From a b c Tue Nov  4 06:44 2026"));
  REQUIRE(parse_from_line("From - Tue Nov 04 06:44:00 CET 2026"));
  for (const char* none : {"From me to you", "From a@b", "from a@b  Tue Nov 24 06:44:01 2026", "From a@b  Tux Nov 24 06:44:01 2026", "From  ",
                           "From a Tue Nov 24 06:44:01", ">From a@b  Tue Nov 24 06:44:01 2026"}) {
    INFO(none);
    REQUIRE_FALSE(parse_from_line(none));
  }
  REQUIRE(from_line_of("a@b", 1577872800) == "From a@b  Wed Jan 01 10:00:00 2020\n");
}

TEST_CASE("a mailbox that Dovecot wrote") {
  const std::string text =
      "From alice@mail.example.test  Wed Jan 01 10:00:00 2020\nFrom: x\nSubject: a\nX-IMAPbase: 1795880827 0000000002 $Forwarded Foo\nX-UID: 1\n"
      "Status: RO\nX-Status: AF\nX-Keywords: $Forwarded                             \nContent-Length: 20\n\nFrom x\n>From y\nbody\n\n" +
      mail(2);
  MboxText parsed;
  REQUIRE(parsed.parse(text));
  REQUIRE(parsed.uid_validity == 1795880827);
  REQUIRE(parsed.last_uid == 2);
  REQUIRE(parsed.keywords == std::vector<std::string>{"$Forwarded", "Foo"});
  REQUIRE(parsed.messages.size() == 2);
  REQUIRE(parsed.messages[0].uid == 1);
  REQUIRE(parsed.messages[0].system == (flag::seen | flag::answered | flag::flagged));
  REQUIRE(parsed.messages[0].is_old);
  REQUIRE(parsed.messages[0].keywords == std::vector<std::string>{"$Forwarded"});
  REQUIRE(text.substr(parsed.messages[0].body, parsed.messages[0].end - parsed.messages[0].body) == "From x\n>From y\nbody\n");
  REQUIRE(parsed.messages[1].uid == 0);
  REQUIRE(parsed.messages[1].begin == parsed.messages[0].next);

  const TestAccount test("", "mbox");
  std::filesystem::create_directories(test.root());
  write_text(test.root() + "inbox", text);
  const auto account = test.open();
  auto mailbox = inbox(*account);
  REQUIRE(mailbox->uid_validity() == 1795880827);
  REQUIRE(uids_of(*mailbox) == std::vector<Uid>{1, 3});
  REQUIRE(text_of(*mailbox, 1) == "From: x\nSubject: a\n\nFrom x\n>From y\nbody\n");
  REQUIRE(text_of(*mailbox, 3) == shown(2));
  REQUIRE(mailbox->facts(1)->size == 46);
  REQUIRE(mailbox->facts(1)->internal_date == Stamp(std::chrono::seconds(1577872800)));
  const std::string now = read_text(test.root() + "inbox");
  // What was there stands as it was but for the last UID.
  REQUIRE(now.starts_with(text.substr(0, text.find("0000000002")) + "0000000003"));
  REQUIRE(now.find("\nX-UID: 3\n") != std::string::npos);
}

TEST_CASE("messages with wrong lengths, or none") {
  MboxText parsed;
  REQUIRE(parsed.parse(mail(1) + from_line + "Content-Length: 1\n\nlong body\n\n" + from_line + "Content-Length: 99999999999999999999\n\nx\n" ));
  REQUIRE(parsed.messages.size() == 3);
  REQUIRE(MboxText().parse(""));
  REQUIRE(MboxText().parse("\n\n"));
  REQUIRE_FALSE(MboxText().parse("no mbox\n"));
  MboxText bare;
  REQUIRE(bare.parse(from_line));
  REQUIRE(bare.messages.size() == 1);
  REQUIRE(bare.parse(from_line + from_line + "X: y\n"));
}

TEST_CASE("an mbox is read, marked, added to and expunged") {
  const TestAccount test("", "mbox");
  std::filesystem::create_directories(test.root());
  write_text(test.root() + "inbox", mail(1) + mail(2));
  const auto account = test.open();
  std::uint32_t validity = 0;
  {
    auto mailbox = inbox(*account);
    validity = mailbox->uid_validity();
    REQUIRE(uids_of(*mailbox) == std::vector<Uid>{1, 2});
    const auto bits = mailbox->keyword_bits(std::vector<std::string>{"Foo"}, Mailbox::NewKeywords::add);
    REQUIRE(mailbox->store(std::vector<Uid>{2}, FlagChange::add, {flag::seen | flag::flagged, *bits}, {})->changed == std::vector<Uid>{2});
    REQUIRE(mailbox->store(std::vector<Uid>{1}, FlagChange::set, {flag::deleted, 0}, {})->changed == std::vector<Uid>{1});
    REQUIRE(append_one(*mailbox, "Subject: 3\r\nX-UID: 77\r\nStatus: RO\r\n\r\nbody 3\r\n", {flag::draft, *bits}) == 3);
    REQUIRE(text_of(*mailbox, 3) == shown(3));
    // Mail that another program delivers.
    std::ofstream(test.root() + "inbox", std::ios::app | std::ios::binary) << mail(4);
    REQUIRE(mailbox->refresh()->arrived.back() == 4);
  }
  std::filesystem::remove(test.root() + ".imap/INBOX/valija.index");
  auto mailbox = inbox(*account);
  REQUIRE(mailbox->uid_validity() == validity);
  REQUIRE(uids_of(*mailbox) == std::vector<Uid>{1, 2, 3, 4});
  REQUIRE((mailbox->find(2)->flags.system & flag::all) == (flag::seen | flag::flagged));
  REQUIRE(mailbox->keywords() == std::vector<std::string>{"Foo"});
  REQUIRE(mailbox->find(2)->flags.keywords == 1);
  REQUIRE(mailbox->find(3)->flags.keywords == 1);
  REQUIRE((mailbox->find(1)->flags.system & flag::all) == flag::deleted);
  for (int i = 1; i <= 4; ++i) REQUIRE(text_of(*mailbox, static_cast<Uid>(i)) == shown(i));

  REQUIRE(mailbox->expunge(std::vector<Uid>{1, 3}) == std::vector<Uid>{1, 3});
  REQUIRE(uids_of(*mailbox) == std::vector<Uid>{2, 4});
  REQUIRE(text_of(*mailbox, 2) == shown(2));
  REQUIRE(text_of(*mailbox, 4) == shown(4));
  REQUIRE(mailbox->expunge(std::vector<Uid>{2, 4}) == std::vector<Uid>{2, 4});
  REQUIRE(read_text(test.root() + "inbox").empty());
  // Who may not write sees the same: nobody's UID is told twice.
  REQUIRE(account->open("INBOX", Access::read_only).value()->uid_next() == 5);
  write_text(test.root() + "inbox", mail(5));
  for (int times = 0; times < 2; ++times) REQUIRE(uids_of(*account->open("INBOX", Access::read_only).value()) == std::vector<Uid>{5});
  // A stranger's first message does not decide what UIDs there are.
  write_text(test.root() + "inbox", from_line + "X-IMAPbase: 1 4000000000\nX-UID: 3999999999\nSubject: 5\n\nbody 5\n\n");
  REQUIRE(mailbox->refresh()->arrived == std::vector<Uid>{5});
  REQUIRE(mailbox->uid_validity() == validity);
  REQUIRE(text_of(*mailbox, 5) == shown(5));
}

TEST_CASE("an mbox tree") {
  const TestAccount test("", "mbox");
  const auto account = test.open();
  REQUIRE(account->create("Sent"));
  REQUIRE(account->create("A/B"));
  REQUIRE_FALSE(account->create("Sent/below"));
  REQUIRE(account->create("Sent").error().code() == EEXIST);
  REQUIRE(account->subscribe("A/B"));
  REQUIRE(std::filesystem::exists(test.root() + ".subscriptions"));
  auto mailbox = inbox(*account);
  append_one(*mailbox, "Subject: 1\r\n\r\nbody 1\r\n", {flag::seen, 0});
  REQUIRE(mailbox->refresh());
  auto other = std::move(*account->open("A/B", Access::read_write));
  REQUIRE(mailbox->copy(std::vector<Uid>{1}, *other)->pairs == std::vector<std::pair<Uid, Uid>>{{1, 1}});
  REQUIRE(text_of(*other, 1) == shown(1));
  const auto listed = account->list();
  REQUIRE(listed->size() == 4);
  REQUIRE((*listed)[1].name == "A");
  REQUIRE_FALSE((*listed)[1].selectable);
  REQUIRE((*listed)[2].no_inferiors);
  const auto validity = other->uid_validity();
  REQUIRE(account->rename("A/B", "Z"));
  REQUIRE(account->status("Z")->messages == 1);
  REQUIRE(account->status("Z")->uid_validity == validity);
  REQUIRE(account->remove("Z"));
  REQUIRE_FALSE(std::filesystem::exists(test.root() + "Z"));
}

// After a crash, others may append before we come back.
TEST_CASE("an mbox rewrite killed at any step") {
  struct Case {
    std::function<void(Mailbox&)> operation;
    std::vector<int> stay;   // numbers of messages that must be there afterwards
  };
  const std::vector<Case> cases{
      {[](Mailbox& mailbox) { static_cast<void>(mailbox.expunge(std::vector<Uid>{2}).has_value()); }, {1, 3}},
      {[](Mailbox& mailbox) { static_cast<void>(mailbox.expunge(std::vector<Uid>{1, 3}).has_value()); }, {2}},
      {[](Mailbox& mailbox) { static_cast<void>(append_one(mailbox, "Subject: 4\r\n\r\nbody 4\r\n") == 0); }, {1, 2, 3}},
      {[](Mailbox& mailbox) {
         const std::vector<std::string> names{std::string(90, 'k')};
         const auto bits = mailbox.keyword_bits(names, Mailbox::NewKeywords::add);
         static_cast<void>(mailbox.store(std::vector<Uid>{1, 2}, FlagChange::add, {flag::seen, *bits}, {}).has_value());
       },
       {1, 2, 3}},
  };
  for (std::size_t which = 0; which < cases.size(); ++which) {
    for (int step = 1;; ++step) {
      const TestAccount test("", "mbox");
      std::filesystem::create_directories(test.root());
      write_text(test.root() + "inbox", mail(1) + mail(2) + mail(3));
      std::uint32_t validity = 0;
      {
        const auto account = test.open();
        validity = inbox(*account)->uid_validity();
      }
      const auto end = testing::kill_at_system_call(
          step, [&] { cases[which].operation(*std::move(*test.open()->open("INBOX", Access::read_write))); }, testing::KillAt::file_changes);
      if (end == testing::CrashEnd::cannot_trace) {
        WARN("ptrace is not allowed here: not tested");
        return;
      }
      INFO("case " << which << ", step " << step);
      std::filesystem::remove(test.root() + "inbox.lock");
      if (step % 2 == 0) std::ofstream(test.root() + "inbox", std::ios::app | std::ios::binary) << "\n" << mail(9);
      const auto account = test.open();
      auto mailbox = inbox(*account);
      REQUIRE(mailbox->uid_validity() == validity);
      std::vector<std::string> texts;
      for (const Uid uid : uids_of(*mailbox)) {
        const std::string text = text_of(*mailbox, uid);
        texts.push_back(text);
        if (uid <= 3) REQUIRE(text == shown(static_cast<int>(uid)));
      }
      for (const int number : cases[which].stay) REQUIRE(std::ranges::count(texts, shown(number)) == 1);
      REQUIRE(std::ranges::count(texts, shown(9)) == (step % 2 == 0 ? 1 : 0));
      for (const std::string& text : texts) {
        INFO(text);
        REQUIRE((text == shown(1) || text == shown(2) || text == shown(3) || text == shown(4) || text == shown(9)));
      }
      if (end == testing::CrashEnd::finished) break;
    }
  }
}

}  // namespace
}  // namespace store
