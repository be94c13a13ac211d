#include "lib/imap/list_arguments.h"

#include <string>

#include "lib/imap/test_arguments.h"

#include "lib/testing/catch.h"

using imap::ListArguments;
using imap::testing::arguments;
using imap::testing::verdict;

TEST_CASE("LIST and LSUB say what is wrong in Dovecot's words") {
  const struct { std::string_view says, list, lsub; } table[] = {
      {"", "Invalid reference", "Invalid reference"},
      {"\"\"", "Invalid pattern", "Invalid pattern"},
      {"\"\" \"\"", "ok", "ok"},
      {"\"\" %", "ok", "ok"},
      {"NIL *", "ok", "ok"},
      {"(x) \"\"", "Unknown select options", "Invalid reference"},
      {"() \"\" *", "ok", "Invalid reference"},
      {"(()) \"\" *", "List options contains non-atoms", "Invalid reference"},
      {"(RECURSIVEMATCH) \"\" *", "RECURSIVEMATCH must not be the only selection", "Invalid reference"},
      {"(REMOTE RECURSIVEMATCH) \"\" *", "RECURSIVEMATCH must not be the only selection", "Invalid reference"},
      {"(SUBSCRIBED RECURSIVEMATCH SPECIAL-USE) \"\" *", "ok", "Invalid reference"},
      {"\"\" (INBOX \"x\")", "ok", "ok"},
      {"\"\" ()", "ok", "ok"},
      {"\"\" (())", "Invalid pattern list", "Invalid pattern list"},
      {"\"\" * RETURN", "Extra arguments", "Extra arguments"},
      {"\"\" * RETURN ()", "ok", "Extra arguments"},
      {"\"\" * RETURN () x", "Extra arguments", "Extra arguments"},
      {"\"\" * FOO", "Extra arguments", "Extra arguments"},
      {"\"\" * RETURN (FOO)", "Unknown return options", "Unknown return options"},
      {"\"\" * RETURN (STATUS)", "Unknown return options", "Unknown return options"},
      {"\"\" * RETURN (STATUS MESSAGES)", "Unknown return options", "Unknown return options"},
      {"\"\" * RETURN (STATUS ())", "Empty status list", "Empty status list"},
      {"\"\" * RETURN (STATUS (FOO))", "Invalid status item FOO", "Invalid status item FOO"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    const auto tree = arguments(row.says);
    CHECK(verdict(ListArguments::parse(tree.values())) == row.list);
    CHECK(verdict(ListArguments::parse_lsub(tree.values())) == row.lsub);
  }
}

TEST_CASE("LIST has selections, patterns and what it returns") {
  const auto plain_tree = arguments("a/ %");
  const auto plain = ListArguments::parse(plain_tree.values());
  REQUIRE(plain);
  CHECK_FALSE(plain->is_extended);
  CHECK(plain->reference == "a/");
  CHECK(plain->patterns == std::vector<std::string>{"%"});

  const auto tree = arguments("(subscribed recursivematch) \"\" (INBOX \"x y\") return (children special-use subscribed status (messages unseen))");
  const auto list = ListArguments::parse(tree.values());
  REQUIRE(list);
  CHECK(list->is_extended);
  CHECK((list->select.subscribed && list->select.recursive_match && !list->select.remote && !list->select.special_use));
  CHECK((list->returned.children && list->returned.special_use && list->returned.subscribed));
  CHECK(list->returned.status.has(imap::StatusItem::unseen));
  CHECK(list->patterns == std::vector<std::string>{"INBOX", "x y"});
}
