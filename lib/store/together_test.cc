// Several who work on one Maildir: two of ours, and programs that know nothing of UIDs.

#include <map>
#include <random>
#include <set>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/store/maildir.h"
#include "lib/testing/mail_account.h"
#include "lib/testing/catch.h"

namespace store {
namespace {

class Random {
 public:
  explicit Random(unsigned seed) : generator_(seed) {}
  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(generator_); }

 private:
  std::mt19937 generator_;
};

// What one client was told: it must hold together, whatever others do.
struct Client {
  std::unique_ptr<Mailbox> mailbox;
  std::map<Uid, std::string> texts;
  std::set<Uid> gone;
  Uid highest = 0;
  ModSeq modseq = 0;

  void refresh() {
    const auto changes = mailbox->refresh();
    REQUIRE(changes.has_value());
    REQUIRE_FALSE(changes->reset);
    for (const Uid uid : changes->vanished) {
      texts.erase(uid);
      gone.insert(uid);
    }
    for (const Uid uid : changes->arrived) {
      REQUIRE(uid > highest);  // nothing appears between what was told before
      REQUIRE_FALSE(gone.contains(uid));
      highest = uid;
      texts[uid] = "";
    }
    REQUIRE(mailbox->highest_modseq() >= modseq);
    modseq = mailbox->highest_modseq();
    std::vector<Uid> known;
    for (const auto& [uid, text] : texts) known.push_back(uid);
    REQUIRE(known == uids_of(*mailbox));
    REQUIRE(mailbox->uid_next() > highest);
  }
  std::string read(Uid uid) {
    const auto message = mailbox->open(uid);
    if (!message) return {};  // gone, and not told yet
    const auto told = texts.find(uid);
    if (told != texts.end()) {
      REQUIRE((told->second.empty() || told->second == message->text()));
      told->second = message->text();
    }
    return std::string(message->text());
  }
};

TEST_CASE("two sessions, a delivery agent and mutt at random") {
  const TestAccount test;
  const auto first = test.open(), second = test.open();
  Client clients[2];
  clients[0].mailbox = std::move(*first->open("INBOX", Access::read_write));
  clients[1].mailbox = std::move(*second->open("INBOX", Access::read_write));
  const auto seed = GENERATE(1U, 2U, 3U, 4U);
  INFO("seed " << seed);
  Random random(seed);
  std::set<std::string> alive;
  int number = 0;
  for (int step = 0; step < 1500; ++step) {
    Client& client = clients[random.below(2)];
    const std::string text = "message " + std::to_string(++number) + "\n";
    const auto some = [&]() -> Uid {
      const auto entries = client.mailbox->entries();
      return entries.empty() ? 0 : entries[random.below(entries.size())].uid;
    };
    const auto cur = [&] {
      auto names = files_in(test.root() + "cur");
      return names.empty() ? std::string() : names[random.below(names.size())];
    };
    INFO("step " << step);
    switch (random.below(10)) {
      case 0: write_text(test.root() + "new/" + std::to_string(1000000 + number) + ".x.h", text); alive.insert(text); break;
      case 1: REQUIRE(append_one(*client.mailbox, text) > 0); alive.insert(text); break;
      case 2: REQUIRE(client.mailbox->store(std::vector<Uid>{some()}, FlagChange::add, {flag::seen, 0}, {})); break;
      case 3: REQUIRE(client.mailbox->store(std::vector<Uid>{some()}, FlagChange::set, {static_cast<std::uint8_t>(random.below(32)), 0}, {})); break;
      case 4:
        if (const Uid uid = some(); uid != 0 && alive.size() > 10) {
          const std::string dead = client.read(uid);
          const auto gone = client.mailbox->expunge(std::vector<Uid>{uid});
          REQUIRE(gone.has_value());
          if (!gone->empty()) alive.erase(dead);
        }
        break;
      case 5:
        if (const std::string name = cur(); !name.empty()) {
          const std::string other = name.substr(0, name.find(':')) + (random.below(2) == 0 ? ":2,FS" : ":2,");
          std::filesystem::rename(test.root() + "cur/" + name, test.root() + "cur/" + other);
        }
        break;
      case 6:
        if (const std::string name = cur(); !name.empty() && alive.size() > 10) {
          alive.erase(read_text(test.root() + "cur/" + name));
          std::filesystem::remove(test.root() + "cur/" + name);
        }
        break;
      case 7: if (const Uid uid = some(); uid != 0) client.read(uid); break;
      case 8: client.refresh(); break;
      default:
        if (const Uid uid = some(); uid != 0 && alive.size() < 40) {
          client.read(uid);
          const auto copied = client.mailbox->copy(std::vector<Uid>{uid}, *client.mailbox);
          if (!copied || copied->pairs.empty()) break;
          // Two with one text would hide a loss.
          REQUIRE(client.mailbox->refresh().has_value());
          const auto undone = client.mailbox->expunge(std::vector<Uid>{copied->pairs[0].second});
          REQUIRE(undone->size() == 1);
          client.mailbox = std::move(*(&client == &clients[0] ? first : second)->open("INBOX", Access::read_write));
          client.texts.clear();
          for (const Uid other : uids_of(*client.mailbox)) client.texts[other] = "";
          client.highest = client.mailbox->uid_next() - 1;
        }
    }
  }
  std::map<Uid, std::string> both[2];
  for (int i = 0; i < 2; ++i) {
    // A change of our own within the clock's tick is looked at again a moment later.
    clients[i].mailbox = std::move(*test.open()->open("INBOX", Access::read_write));
    clients[i].texts.clear();
    std::set<std::string> found;
    for (const Uid uid : uids_of(*clients[i].mailbox)) {
      both[i][uid] = clients[i].mailbox->open(uid)->text();
      found.insert(both[i][uid]);
    }
    REQUIRE(found == alive);
    REQUIRE(both[i].size() == alive.size());
  }
  REQUIRE(both[0] == both[1]);
}

TEST_CASE("processes that add and remove at the same time") {
  const TestAccount test;
  std::uint32_t validity = 0;
  {
    const auto account = test.open();
    validity = account->status("INBOX")->uid_validity;
  }
  constexpr int processes = 4, each = 25;
  std::vector<pid_t> children;
  for (int process = 0; process < processes; ++process) {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto account = test.open();
      auto mailbox = account->open("INBOX", Access::read_write);
      int wrong = mailbox ? 0 : 1;
      for (int i = 0; i < each && wrong == 0; ++i) {
        const std::string text = "keep " + std::to_string(process) + " " + std::to_string(i) + "\n";
        if (process == 0) {
          write_text(test.root() + "tmp/" + std::to_string(i) + ".x.h", text);
          std::filesystem::rename(test.root() + "tmp/" + std::to_string(i) + ".x.h", test.root() + "new/" + std::to_string(i) + ".x.h");
        } else {
          if (append_one(**mailbox, text) == 0) wrong = 2;
          const Uid doomed = append_one(**mailbox, "gone\n");
          if (!(*mailbox)->refresh()) wrong = 3;
          const auto gone = (*mailbox)->expunge(std::vector<Uid>{doomed});
          if (!gone || gone->size() != 1) wrong = 4;
        }
        const auto entries = (*mailbox)->entries();
        if (!entries.empty()) {
          const Uid uid = entries[static_cast<std::size_t>(i) % entries.size()].uid;
          if (!(*mailbox)->store(std::vector<Uid>{uid}, FlagChange::add, {flag::flagged, 0}, {})) wrong = 5;
        }
      }
      ::_exit(wrong);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
  }
  const auto account = test.open();
  auto mailbox = std::move(*account->open("INBOX", Access::read_write));
  REQUIRE(mailbox->uid_validity() == validity);
  std::set<std::string> found;
  for (const Uid uid : uids_of(*mailbox)) found.insert(std::string(mailbox->open(uid)->text()));
  REQUIRE(mailbox->entries().size() == processes * each);
  REQUIRE(found.size() == processes * each);
}

TEST_CASE("who waits is told") {
  const TestAccount test;
  const auto account = test.open();
  auto mailbox = std::move(*account->open("INBOX", Access::read_write));
  pollfd waiting{mailbox->watch_fd(), POLLIN, 0};
  REQUIRE(waiting.fd >= 0);
  REQUIRE(mailbox->refresh());
  REQUIRE(::poll(&waiting, 1, 0) == 0);
  write_text(test.root() + "new/1.x.h", "a\n");
  REQUIRE(::poll(&waiting, 1, 10'000) == 1);
  REQUIRE(mailbox->refresh()->arrived == std::vector<Uid>{1});
  // Our own taking it to cur/ is told too, and no more.
  REQUIRE(mailbox->refresh()->none());
  REQUIRE(::poll(&waiting, 1, 0) == 0);
}

}  // namespace
}  // namespace store
