#include "lib/imap/notify_arguments.h"

#include <string>

#include "lib/imap/test_arguments.h"

#include "lib/testing/catch.h"

using imap::NotifyArguments;
using imap::testing::arguments;
using imap::testing::verdict;

TEST_CASE("NOTIFY says what is wrong in Dovecot's words") {
  const struct { std::string_view says, seen; } table[] = {
      {"", "Invalid arguments"},
      {"NONE", "ok"},
      {"NONE x", "Invalid arguments"},
      {"FOO", "Invalid arguments"},
      {"SET", "ok"},
      {"SET STATUS", "ok"},
      {"SET x", "Invalid arguments"},
      {"SET ()", "Invalid arguments"},
      {"SET (selected NONE)", "ok"},
      {"SET (SELECTED)", "Invalid arguments"},
      {"SET (SELECTED NONE x)", "Invalid arguments"},
      {"SET (FOO NONE)", "Invalid arguments"},
      {"SET (SELECTED (FOO))", "Invalid arguments"},
      {"SET (SELECTED ())", "Invalid arguments"},
      {"SET (SELECTED (MessageNew))", "MessageNew and MessageExpunge must be together"},
      {"SET (SELECTED (FlagChange))", "FlagChange requires MessageNew and MessageExpunge"},
      {"SET (SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange))", "ok"},
      {"SET (SELECTED (MessageNew (FOO) MessageExpunge))", "Invalid fetch-att list: Unknown parameter: FOO"},
      {"SET (SELECTED (MessageExpunge (UID) MessageNew))", "Invalid arguments"},
      {"SET (PERSONAL (MessageNew (UID) MessageExpunge))", "Invalid arguments"},
      {"SET (SUBTREE INBOX (MailboxName))", "ok"},
      {"SET (MAILBOXES INBOX)", "Invalid arguments"},
      {"SET (MAILBOXES)", "Invalid arguments"},
      {"SET (MAILBOXES () (MailboxName))", "Invalid arguments"},
      {"SET (MAILBOXES (INBOX (x)) (MailboxName))", "Invalid arguments"},
      {"SET (INBOXES NONE) (SELECTED NONE)", "ok"},
      {"SET (SELECTED NONE) (SELECTED-DELAYED NONE)", "Duplicate selected filter"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    const auto tree = arguments(row.says);
    CHECK(verdict(NotifyArguments::parse(tree.values())) == row.seen);
  }
}

TEST_CASE("NOTIFY has groups") {
  using Filter = imap::NotifyGroup::Filter;
  const auto tree = arguments("SET STATUS (SELECTED (MessageNew (UID) MessageExpunge)) (mailboxes (INBOX \"a b\") (mailboxname annotationchange messagenew messageexpunge)) (PERSONAL NONE)");
  const auto notify = NotifyArguments::parse(tree.values());
  REQUIRE((notify && notify->groups.size() == 3));
  CHECK(notify->wants_status);
  CHECK(notify->groups[0].events.fetch->has(imap::FetchAttribute::uid));
  CHECK(notify->groups[1].filter == Filter::mailboxes);
  CHECK(notify->groups[1].mailboxes == std::vector<std::string>{"INBOX", "a b"});
  CHECK((notify->groups[1].events.mailbox_name && notify->groups[1].events.annotation_change));
  CHECK_FALSE(notify->groups[2].events.message_new);
}

TEST_CASE("groups and mailboxes have limits") {
  std::string groups = "SET", mailboxes = "SET (MAILBOXES (";
  for (std::size_t i = 0; i <= imap::notify_groups_limit; ++i) groups += " (PERSONAL NONE)";
  for (std::size_t i = 0; i <= imap::notify_mailboxes_limit; ++i) mailboxes += "a ";
  const auto many = arguments(groups), names = arguments(mailboxes + ") NONE)");
  CHECK(verdict(NotifyArguments::parse(many.values())) == "Too many event groups");
  CHECK(verdict(NotifyArguments::parse(names.values())) == "Too many mailboxes");
}
