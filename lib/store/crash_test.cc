// What happens when a process is killed at each system call that changes files: nothing lost, damaged or numbered anew, and the next
// one goes on.

#include <map>

#include "lib/store/maildir.h"
#include "lib/testing/kill_at.h"
#include "lib/testing/mail_account.h"
#include "lib/testing/catch.h"

namespace store {
namespace {

using Texts = std::map<Uid, std::string>;

constexpr int first_messages = 3;

std::string text_of(int number) { return "Subject: " + std::to_string(number) + "\n\nbody\n"; }

Texts texts_of(Mailbox& mailbox) {
  Texts texts;
  for (const Uid uid : uids_of(mailbox)) {
    const auto message = mailbox.open(uid);
    texts[uid] = message ? std::string(message->text()) : message.error().message();
  }
  return texts;
}

struct Prepared {
  TestAccount test;
  std::uint32_t validity = 0;
  Prepared() {
    const auto account = test.open();
    REQUIRE(account->create("B"));
    auto mailbox = std::move(*account->open("INBOX", Access::read_write));
    for (int i = 1; i <= first_messages; ++i) append_one(*mailbox, text_of(i));
    REQUIRE(mailbox->refresh());
    validity = mailbox->uid_validity();
    write_text(test.root() + "new/2000000000.x.h", text_of(4));
  }
};

struct After {
  Texts inbox, other;
};

// Each operation is killed at each step; `judge` looks at what the next process finds.
void kill_everywhere(const std::function<void(Account&)>& operation, const std::function<void(const After&, bool finished)>& judge) {
  int step = 1;
  for (;; ++step) {
    const Prepared prepared;
    const auto end = testing::kill_at_system_call(step, [&] { operation(*prepared.test.open()); },
                                                  testing::KillAt::file_changes);
    if (end == testing::CrashEnd::cannot_trace) {
      WARN("ptrace is not allowed here: not tested");
      return;
    }
    INFO("step " << step);
    const auto account = prepared.test.open();
    After after;
    for (const char* name : {"INBOX", "B"}) {
      auto mailbox = account->open(name, Access::read_write);
      REQUIRE(mailbox.has_value());
      if (std::string_view(name) == "INBOX") REQUIRE((*mailbox)->uid_validity() == prepared.validity);
      (std::string_view(name) == "INBOX" ? after.inbox : after.other) = texts_of(**mailbox);
      // It can be worked with, and no lock is in the way.
      const Uid next = (*mailbox)->uid_next();
      REQUIRE(append_one(**mailbox, "later") >= next);
      REQUIRE_FALSE(std::filesystem::exists(prepared.test.root() + "dovecot-uidlist.lock"));
    }
    judge(after, end == testing::CrashEnd::finished);
    if (end == testing::CrashEnd::finished) break;
  }
  REQUIRE(step > 10);
}

void require_first(const Texts& texts) {
  for (int i = 1; i <= first_messages; ++i) REQUIRE(texts.at(static_cast<Uid>(i)) == text_of(i));
}

TEST_CASE("an append killed at any step") {
  kill_everywhere(
      [](Account& account) {
        auto mailbox = account.open("INBOX", Access::read_write);
        if (!mailbox) return;
        auto append = (*mailbox)->append();
        for (int i = 5; i <= 6; ++i) {
          if (!(*append)->begin({flag::seen, 0}, std::nullopt) || !(*append)->write(text_of(i))) return;
        }
        static_cast<void>((*append)->commit().has_value());
      },
      [](const After& after, bool finished) {
        require_first(after.inbox);
        REQUIRE(after.inbox.at(4) == text_of(4));
        for (const auto& [uid, text] : after.inbox) REQUIRE((uid <= 4 || text == text_of(static_cast<int>(uid))));
        if (finished) REQUIRE(after.inbox.size() == 6);
      });
}

TEST_CASE("flags, keywords and expunge killed at any step") {
  kill_everywhere(
      [](Account& account) {
        auto mailbox = account.open("INBOX", Access::read_write);
        if (!mailbox) return;
        const auto bits = (*mailbox)->keyword_bits(std::vector<std::string>{"Key"}, Mailbox::NewKeywords::add);
        if (!bits) return;
        static_cast<void>((*mailbox)->store(std::vector<Uid>{1, 3}, FlagChange::add, {flag::seen, *bits}, {}).has_value());
        static_cast<void>((*mailbox)->expunge(std::vector<Uid>{2}).has_value());
      },
      [](const After& after, bool finished) {
        REQUIRE(after.inbox.at(1) == text_of(1));
        REQUIRE(after.inbox.at(3) == text_of(3));
        REQUIRE(after.inbox.at(4) == text_of(4));
        if (after.inbox.contains(2)) REQUIRE(after.inbox.at(2) == text_of(2));
        REQUIRE(after.inbox.contains(2) != (finished || !after.inbox.contains(2)));
        REQUIRE(after.other.empty());
      });
}

TEST_CASE("a message that takes another's place, killed at any step") {
  kill_everywhere(
      [](Account& account) {
        auto mailbox = account.open("INBOX", Access::read_write);
        if (!mailbox) return;
        auto append = (*mailbox)->append();
        if (!(*append)->begin({}, std::nullopt) || !(*append)->write(text_of(5)) || !(*append)->commit()) return;
        static_cast<void>((*mailbox)->expunge(std::vector<Uid>{2}).has_value());
      },
      [](const After& after, bool finished) {
        for (const int number : {1, 3, 4}) REQUIRE(after.inbox.at(static_cast<Uid>(number)) == text_of(number));
        const bool has_old = after.inbox.contains(2), has_new = after.inbox.contains(5);
        REQUIRE((has_old || has_new));
        if (has_old) REQUIRE(after.inbox.at(2) == text_of(2));
        if (has_new) REQUIRE(after.inbox.at(5) == text_of(5));
        if (finished) REQUIRE((!has_old && has_new));
      });
}

TEST_CASE("copy and move killed at any step") {
  kill_everywhere(
      [](Account& account) {
        auto mailbox = account.open("INBOX", Access::read_write);
        auto other = account.open("B", Access::read_write);
        if (!mailbox || !other) return;
        static_cast<void>((*mailbox)->copy(std::vector<Uid>{1}, **other).has_value());
        static_cast<void>((*mailbox)->move(std::vector<Uid>{2, 3}, **other).has_value());
      },
      [](const After& after, bool finished) {
        REQUIRE(after.inbox.at(1) == text_of(1));
        REQUIRE(after.inbox.at(4) == text_of(4));
        for (const int number : {2, 3}) {
          int found = 0;
          for (const auto& [uid, text] : after.other) found += text == text_of(number) ? 1 : 0;
          if (after.inbox.contains(static_cast<Uid>(number))) {
            REQUIRE(after.inbox.at(static_cast<Uid>(number)) == text_of(number));
            ++found;
          }
          REQUIRE(found == 1);
        }
        if (finished) REQUIRE(after.other.size() == 3);
      });
}

struct LeftByCourier {
  TestAccount test;
  LeftByCourier() {
    { static_cast<void>(test.open()); }
    std::string names, all;
    for (int i = 0; i < 27; ++i) {
      names += "k" + std::to_string(i) + "\n";
      all += " " + std::to_string(i);
    }
    std::filesystem::create_directory(test.root() + "courierimapkeywords");
    write_text(test.root() + "courierimapuiddb", "1 77 12\n3 1000.a.h\n11 1001.b.h\n");
    write_text(test.root() + "courierpop3dsizelist", "/3 9 17\n1000.a.h:2,S 3 4:17:0\n1002.c.h:2, 3 8:17:0\n");
    write_text(test.root() + "courierimapkeywords/:list", names + "\n1000.a.h:" + all + "\n1001.b.h:3\n");
    write_text(test.root() + "cur/1000.a.h:2,S", "a\n");
    write_text(test.root() + "cur/1001.b.h:2,", "b\n");
    write_text(test.root() + "new/1002.c.h", "c\n");
  }
};

TEST_CASE("a take-over killed at any step") {
  int step = 1;
  for (;; ++step) {
    const LeftByCourier left;
    const auto end = testing::kill_at_system_call(step, [&] { static_cast<void>(left.test.open()->open("INBOX", Access::read_write).has_value()); },
                                                  testing::KillAt::file_changes);
    if (end == testing::CrashEnd::cannot_trace) {
      WARN("ptrace is not allowed here: not tested");
      return;
    }
    INFO("step " << step);
    const auto account = left.test.open();
    const auto mailbox = std::move(*account->open("INBOX", Access::read_write));
    REQUIRE(mailbox->uid_validity() == 77);
    REQUIRE(uids_of(*mailbox) == std::vector<Uid>{3, 11, 12});
    REQUIRE(mailbox->pop3_uidl(3) == "UID4-17");
    REQUIRE(mailbox->pop3_uidl(12) == "UID8-17");
    REQUIRE(mailbox->keywords().size() == 27);
    REQUIRE(mailbox->find(3)->flags.keywords == (std::uint64_t{1} << 27) - 1);
    REQUIRE(mailbox->keywords()[0] == "k3");
    REQUIRE(mailbox->find(11)->flags.keywords == 1);
    if (end == testing::CrashEnd::finished) break;
  }
  REQUIRE(step > 10);
}

}  // namespace
}  // namespace store
