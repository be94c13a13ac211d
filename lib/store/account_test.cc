#include "lib/store/account.h"

#include <cerrno>

#include <unistd.h>

#include "lib/testing/mail_account.h"
#include "lib/testing/catch.h"

namespace store {
namespace {

std::vector<std::string> shown(Account& account) {
  const auto listed = account.list();
  if (!listed) FAIL(listed.error().message());
  std::vector<std::string> lines;
  for (const Listed& entry : *listed) {
    std::string line = entry.name;
    if (!entry.selectable) line += " \\Noselect";
    line += entry.has_children ? " \\HasChildren" : " \\HasNoChildren";
    if (entry.no_inferiors) line += " \\NoInferiors";
    if (entry.subscribed) line += " \\Subscribed";
    for (const auto& use : special_use_names(entry.special)) line += " " + std::string(use);
    lines.push_back(line);
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST_CASE("a Maildir++ tree") {
  const TestAccount test;
  const auto account = test.open();
  REQUIRE(account->create("A.B"));
  REQUIRE(account->create("A.B.C"));
  REQUIRE(account->create("Entwürfe", special::drafts));
  REQUIRE(account->create("inbox.Sub."));
  REQUIRE(account->create("A.B").error().code() == EEXIST);
  REQUIRE(account->create("Inbox").error().code() == EEXIST);
  REQUIRE(account->create("a/b").error().code() == EINVAL);
  REQUIRE(account->subscribe("A.B"));
  REQUIRE(account->subscribe("Entwürfe"));
  REQUIRE(account->subscribe("nothing"));
  REQUIRE(account->subscribe("A.B"));
  REQUIRE(std::filesystem::exists(test.root() + ".Entw&APw-rfe/maildirfolder"));
  REQUIRE(read_text(test.root() + "subscriptions") == "V\t2\n\nA\tB\nEntw&APw-rfe\nnothing\n");
  REQUIRE(shown(*account) == Lines{"INBOX \\HasChildren", "A \\Noselect \\HasChildren", "A.B \\HasChildren \\Subscribed", "A.B.C \\HasNoChildren",
                                   "Entwürfe \\HasNoChildren \\Subscribed \\Drafts", "INBOX.Sub \\HasNoChildren"});
  const auto validity = account->status("A.B.C")->uid_validity;
  REQUIRE(account->rename("A.B", "Z.Q"));
  REQUIRE(account->status("Z.Q.C")->uid_validity == validity);
  REQUIRE(account->rename("Z", "Y"));  // a level without a mailbox
  REQUIRE(account->rename("Entwürfe", "Y.Drafts"));
  REQUIRE(account->rename("Y", "Y.X").error().code() == EINVAL);
  REQUIRE(account->rename("none", "x").error().code() == ENOENT);
  REQUIRE(account->rename("Y.Q", "INBOX").error().code() == EEXIST);
  REQUIRE(shown(*account) == Lines{"INBOX \\HasChildren", "INBOX.Sub \\HasNoChildren", "Y \\Noselect \\HasChildren", "Y.Drafts \\HasNoChildren \\Drafts",
                                   "Y.Q \\HasChildren", "Y.Q.C \\HasNoChildren"});
  REQUIRE(account->remove("Y.Q"));
  REQUIRE(account->remove("Y.Q").error().code() == ENOTEMPTY);
  REQUIRE(account->remove("Y.Q.C"));
  REQUIRE(account->remove("Y.Drafts"));
  REQUIRE(account->remove("INBOX").error().code() == EPERM);
  REQUIRE(account->remove("Y.Q").error().code() == ENOENT);
  REQUIRE(account->unsubscribe("nothing"));
  REQUIRE(account->unsubscribe("never"));
  REQUIRE(*account->subscriptions() == Lines{"A.B", "Entwürfe"});
  REQUIRE(shown(*account) == Lines{"INBOX \\HasChildren", "INBOX.Sub \\HasNoChildren"});
  for (const auto& name : files_in(test.root())) REQUIRE_FALSE(name.starts_with(".."));
}

TEST_CASE("UIDVALIDITY of a name that is used again is larger") {
  const TestAccount test;
  const auto account = test.open();
  std::uint32_t last = account->status("INBOX")->uid_validity;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(account->create("A"));
    const auto validity = account->status("A")->uid_validity;
    REQUIRE(validity > last);
    last = validity;
    REQUIRE(account->remove("A"));
  }
}

TEST_CASE("LAYOUT=fs with control and index elsewhere") {
  TestAccount test(":LAYOUT=fs:CONTROL=~/ctl:INDEX=~/idx");
  const auto account = test.open();
  REQUIRE(account->create("A/B"));
  REQUIRE(account->create("A/B/C"));
  REQUIRE(account->create("Lone/"));
  REQUIRE(account->create("INBOX/sub"));
  REQUIRE(account->create("cur").error().code() == EINVAL);
  REQUIRE(account->subscribe("A/B"));
  REQUIRE(shown(*account) == Lines{"INBOX \\HasChildren", "A \\Noselect \\HasChildren", "A/B \\HasChildren \\Subscribed", "A/B/C \\HasNoChildren",
                                   "INBOX/sub \\HasNoChildren", "Lone \\Noselect \\HasNoChildren"});
  for (const char* path : {"mail/A/B/C/cur", "mail/INBOX/sub/cur", "mail/cur", "ctl/A/B/C/dovecot-uidlist", "ctl/INBOX/sub/dovecot-uidlist", "ctl/subscriptions",
                           "ctl/dovecot-uidvalidity", "idx/A/B/valija.index"}) {
    INFO(path);
    REQUIRE(std::filesystem::exists(test.home() + path));
  }
  REQUIRE_FALSE(std::filesystem::exists(test.root() + "A/B/dovecot-uidlist"));
  const auto validity = account->status("A/B/C")->uid_validity;
  REQUIRE(account->rename("A/B", "New/Q"));
  REQUIRE(account->status("New/Q/C")->uid_validity == validity);
  REQUIRE(account->remove("New/Q"));
  REQUIRE(account->remove("Lone"));
  REQUIRE(account->status("New/Q/C")->uid_validity == validity);
  REQUIRE(shown(*account) == Lines{"INBOX \\HasChildren", "A \\Noselect \\HasNoChildren", "INBOX/sub \\HasNoChildren", "New \\Noselect \\HasChildren",
                                   "New/Q \\Noselect \\HasChildren", "New/Q/C \\HasNoChildren"});
}

TEST_CASE("renaming INBOX moves its messages") {
  const TestAccount test;
  const auto account = test.open();
  {
    auto mailbox = std::move(*account->open("INBOX", Access::read_write));
    REQUIRE(append_one(*mailbox, "a", {flag::seen, 0}) == 1);
    REQUIRE(append_one(*mailbox, "b") == 2);
  }
  REQUIRE(account->rename("INBOX", "Old"));
  REQUIRE(account->status("INBOX")->messages == 0);
  REQUIRE(account->status("INBOX")->uid_next == 3);
  const auto status = account->status("Old", Account::Sizes::wanted);
  REQUIRE(status->messages == 2);
  REQUIRE(status->unseen == 1);
  REQUIRE(status->size == 2);
}

TEST_CASE("the site's special folders") {
  TestAccount test;
  test.options.special_folders = *parse_special_folders("Sent=\\Sent, Trash=\\Trash");
  const auto account = test.open();
  REQUIRE(account->make_special_folders());
  REQUIRE(account->make_special_folders());
  REQUIRE(shown(*account) == Lines{"INBOX \\HasNoChildren", "Sent \\HasNoChildren \\Subscribed \\Sent", "Trash \\HasNoChildren \\Subscribed \\Trash"});
  REQUIRE(account->set_special("Sent", 0));
  REQUIRE(shown(*account)[1] == "Sent \\HasNoChildren \\Subscribed");
}

TEST_CASE("Courier's subscriptions, and names in UTF-8") {
  const TestAccount test(":UTF-8");
  const auto account = test.open();
  write_text(test.root() + "courierimapsubscribed", "INBOX\nINBOX.Entwürfe\nINBOX.A.B\n");
  REQUIRE(*account->subscriptions() == Lines{"INBOX", "Entwürfe", "A.B"});
  REQUIRE(account->create("Entwürfe"));
  REQUIRE(std::filesystem::exists(test.root() + ".Entwürfe/cur"));
  REQUIRE(account->unsubscribe("A.B"));
  REQUIRE(read_text(test.root() + "subscriptions") == "V\t2\n\nINBOX\nEntwürfe\n");
}

TEST_CASE("what would lead out of the tree is no mailbox") {
  const TestAccount test;
  const auto account = test.open();
  std::filesystem::create_directory(test.home() + "elsewhere");
  std::filesystem::create_directory(test.home() + "elsewhere/cur");
  std::filesystem::create_directory_symlink("../elsewhere", test.root() + ".link");
  REQUIRE(shown(*account) == Lines{"INBOX \\HasNoChildren"});
  REQUIRE_FALSE(account->open("link", Access::read_write));
  REQUIRE_FALSE(std::filesystem::exists(test.home() + "elsewhere/dovecot-uidlist"));
}

TEST_CASE("Maildir++ quota") {
  TestAccount test;
  test.options.quota = QuotaLimit{100, 5};
  const auto account = test.open();
  auto mailbox = std::move(*account->open("INBOX", Access::read_write));
  REQUIRE(append_one(*mailbox, std::string(40, 'x')) == 1);
  REQUIRE(read_text(test.root() + "maildirsize") == "100S,5C\n0 0\n40 1\n");
  REQUIRE(append_one(*mailbox, std::string(60, 'x')) == 2);
  REQUIRE(account->quota().use()->bytes == 100);
  {
    auto append = std::move(*mailbox->append());
    REQUIRE(append->begin({}, std::nullopt));
    REQUIRE(append->write("y"));
    REQUIRE(append->commit().error().code() == EDQUOT);
  }
  REQUIRE(mailbox->refresh());
  REQUIRE(mailbox->copy(std::vector<Uid>{1}, *mailbox).error().code() == EDQUOT);
  REQUIRE(mailbox->expunge(std::vector<Uid>{2}));
  REQUIRE(*account->quota().use() == QuotaUse{40, 1});
  // Others removed a message and told nobody: at the limit all is counted.
  write_text(test.root() + "maildirsize", "100S,5C\n1000 1\n-10 0\n");
  REQUIRE(account->quota().check(50, 1));
  REQUIRE(read_text(test.root() + "maildirsize") == "100S,5C\n40 1\n");
}

TEST_CASE("where nobody gives a limit the one in maildirsize holds") {
  TestAccount test;
  const auto account = test.open();
  auto mailbox = std::move(*account->open("INBOX", Access::read_write));
  REQUIRE(append_one(*mailbox, std::string(40, 'x')) == 1);
  REQUIRE(account->quota().state()->limit == QuotaLimit{});
  REQUIRE_FALSE(account->quota().is_kept());
  write_text(test.root() + "maildirsize", "100S,2C\n0 0\n");
  REQUIRE(append_one(*mailbox, std::string(40, 'x')) == 2);
  REQUIRE(account->quota().state()->use == QuotaUse{40, 1});   // as it was written
  REQUIRE(account->quota().check(70, 1).error().code() == EDQUOT);
  REQUIRE(read_text(test.root() + "maildirsize") == "100S,2C\n80 2\n");
  // Too long, and one that does not add up: counted, and the limit stays.
  std::string text = "100S,3C\n";
  while (text.size() <= 5120) text += "0 0\n";
  for (const std::string& wrong : {text, std::string("100S,3C\n-1 -1\n"), std::string("100S,3C\nx\n")}) {
    write_text(test.root() + "maildirsize", wrong);
    REQUIRE(account->quota().check(10, 1));
    REQUIRE(read_text(test.root() + "maildirsize") == "100S,3C\n80 2\n");
  }
  // One that was given is the better one, also where it is none.
  TestAccount other;
  other.options.quota = QuotaLimit{};
  const auto without = other.open();
  write_text(other.root() + "maildirsize", "1S,1C\n0 0\n");
  REQUIRE(without->quota().check(1000, 1000));
}

TEST_CASE("a quota as it is written") {
  const struct { std::string_view text; QuotaLimit limit; } table[] = {
      {"10M,1000C", {10 << 20, 1000}}, {"10000S", {10000, 0}}, {"5C", {0, 5}}, {"1g", {1 << 30, 0}}, {"0", {}}, {"", {}},
      {"*:storage=100:messages=7", {102400, 7}}, {"*:storage=2M", {2 << 20, 0}}, {"*:bytes=2000", {2000, 0}},
  };
  for (const auto& row : table) {
    INFO(row.text);
    REQUIRE(QuotaLimit::parse(row.text).value() == row.limit);
  }
  for (const std::string_view wrong : {"ten", "10X", "S", "10M;5C", "*:storage=", "*:stuff=1", "Trash:storage=1M", "99999999999T", "-1"}) {
    INFO(wrong);
    REQUIRE_FALSE(QuotaLimit::parse(wrong));
  }
}

}  // namespace
}  // namespace store
