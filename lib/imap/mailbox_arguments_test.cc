#include "lib/imap/mailbox_arguments.h"

#include <string>

#include "lib/imap/test_arguments.h"

#include "lib/testing/catch.h"

using imap::testing::arguments;
using imap::testing::verdict;

TEST_CASE("SELECT has options") {
  const struct { std::string_view says, seen; } table[] = {
      {"", "Invalid arguments"},
      {"(INBOX)", "Invalid arguments"},
      {"INBOX", "ok"},
      {"NIL CONDSTORE", "ok"},
      {"INBOX (CONDSTORE)", "ok"},
      {"INBOX (FOO)", "Unknown SELECT option"},
      {"INBOX (QRESYNC)", "QRESYNC parameters missing"},
      {"INBOX (QRESYNC (1))", "Invalid QRESYNC parameters"},
      {"INBOX (QRESYNC (1 2))", "ok"},
      {"INBOX (QRESYNC (0 2))", "Invalid QRESYNC UIDVALIDITY"},
      {"INBOX (QRESYNC (4294967296 2))", "Invalid QRESYNC UIDVALIDITY"},
      {"INBOX (QRESYNC (1 x))", "Invalid QRESYNC modseq"},
      {"INBOX (QRESYNC (1 2 x))", "Invalid QRESYNC known-uids"},
      {"INBOX (QRESYNC (1 2 1:*))", "Invalid QRESYNC known-uids"},
      {"INBOX (QRESYNC (1 2 1:3 (1 2)))", "ok"},
      {"INBOX (QRESYNC (1 2 (1,3 2,9)))", "ok"},
      {"INBOX (QRESYNC (1 2 1:3 (1)))", "Invalid QRESYNC known-uid-set"},
      {"INBOX (QRESYNC (1 2 1:3 (1:2 2)))", "Invalid QRESYNC sets"},
      {"INBOX (QRESYNC (1 2 1:3 x))", "Invalid QRESYNC parameters"},
      {"INBOX (QRESYNC (1 2 1:3 (1 2) x))", "Invalid QRESYNC parameters"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    const auto tree = arguments(row.says);
    CHECK(verdict(imap::SelectArguments::parse(tree.values())) == row.seen);
  }
  const auto tree = arguments("INBOX (CONDSTORE QRESYNC (67890007 20050715194045000 41,43:211 (1,3 2,9)))");
  const auto select = imap::SelectArguments::parse(tree.values());
  REQUIRE((select && select->condstore && select->qresync && select->qresync->match));
  CHECK(select->mailbox == "INBOX");
  CHECK(select->qresync->uid_validity == 67890007);
  CHECK(select->qresync->modseq == 20050715194045000);
  CHECK(select->qresync->known_uids->text() == "41,43:211");
  CHECK(select->qresync->match->numbers.text() == "1,3");
  CHECK(select->qresync->match->uids.text() == "2,9");
}

TEST_CASE("names and their options are read") {
  const struct { std::string_view says, create, rename, one; } table[] = {
      {"", "Missing arguments", "Missing arguments", "Missing arguments"},
      {"x", "ok", "Missing arguments", "ok"},
      {"(x)", "Invalid arguments", "Invalid arguments", "Invalid arguments"},
      {"x (y)", "Unknown CREATE parameter", "Invalid arguments", "ok"},
      {"x y", "ok", "ok", "ok"},
      {"x (USE)", "Invalid CREATE USE parameter", "Invalid arguments", "ok"},
      {"x (USE (y))", "Invalid CREATE USE parameter", "Invalid arguments", "ok"},
      {"x (USE (\\Sent \\Trash))", "ok", "Invalid arguments", "ok"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    const auto tree = arguments(row.says);
    CHECK(verdict(imap::CreateArguments::parse(tree.values())) == row.create);
    CHECK(verdict(imap::RenameArguments::parse(tree.values())) == row.rename);
    CHECK(verdict(imap::parse_mailbox_argument(tree.values())) == row.one);
  }
  const auto tree = arguments("x (USE (\\Sent \\Trash))");
  CHECK(imap::CreateArguments::parse(tree.values())->special_use == std::vector<std::string>{"\\Sent", "\\Trash"});
}

TEST_CASE("STATUS has items") {
  const struct { std::string_view says, seen; } table[] = {
      {"", "Missing arguments"},
      {"INBOX", "Missing arguments"},
      {"INBOX ()", "Empty status list"},
      {"INBOX (FOO)", "Invalid status item FOO"},
      {"INBOX MESSAGES", "Invalid arguments"},
      {"INBOX ((x))", "Status list contains non-atoms"},
      {"INBOX (\"MESSAGES\")", "Status list contains non-atoms"},
      {"(INBOX) (MESSAGES)", "Invalid arguments"},
      {"INBOX (messages) x", "ok"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    const auto tree = arguments(row.says);
    CHECK(verdict(imap::StatusArguments::parse(tree.values())) == row.seen);
  }
  const auto tree = arguments("INBOX (X-GUID MESSAGES size)");
  const auto status = imap::StatusArguments::parse(tree.values());
  CHECK(status->items.has(imap::StatusItem::messages));
  CHECK(status->items.has(imap::StatusItem::x_guid));
  CHECK(status->items.has(imap::StatusItem::size));
  CHECK_FALSE(status->items.has(imap::StatusItem::recent));
}
