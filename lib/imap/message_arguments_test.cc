#include "lib/imap/message_arguments.h"

#include <string>

#include "lib/imap/test_arguments.h"

#include "lib/testing/catch.h"

using imap::StoreArguments;
using imap::testing::arguments;
using imap::testing::verdict;

TEST_CASE("STORE sets, adds and removes flags") {
  using Operation = StoreArguments::Operation;
  const struct { std::string_view says; Operation operation; bool is_silent; imap::FlagList flags; std::optional<std::uint64_t> since; } table[] = {
      {"1 FLAGS", Operation::set, false, {}, {}},
      {"1 FLAGS ()", Operation::set, false, {}, {}},
      {"1 FLAGS NIL", Operation::set, false, {}, {}},
      {"1 flags.silent (\\Seen x)", Operation::set, true, {imap::flag::seen, {"x"}}, {}},
      {"1 +FLAGS \\Seen \\Deleted", Operation::add, false, {imap::flag::seen | imap::flag::deleted, {}}, {}},
      {"1 -FLAGS.SILENT (x)", Operation::remove, true, {0, {"x"}}, {}},
      {"1 (UNCHANGEDSINCE 5) FLAGS (x)", Operation::set, false, {0, {"x"}}, 5},
      {"1 () FLAGS (x)", Operation::set, false, {0, {"x"}}, {}},
  };
  for (const auto& row : table) {
    INFO(row.says);
    const auto tree = arguments(row.says);
    const auto store = StoreArguments::parse(tree.values());
    REQUIRE(store);
    CHECK(store->operation == row.operation);
    CHECK(store->is_silent == row.is_silent);
    CHECK(store->flags == row.flags);
    CHECK(store->unchanged_since == row.since);
  }
}

TEST_CASE("what is wrong is told in Dovecot's words") {
  const struct { std::string_view says, seen; } stores[] = {
      {"", "Invalid arguments"}, {"1", "Invalid arguments"}, {"1 FOO ()", "Invalid arguments"}, {"x FLAGS ()", "Invalid messageset"},
      {"1 FLAGS \"x\"", "Flags list contains non-atoms"}, {"1 FLAGS ((a))", "Flags list contains non-atoms"},
      {"1 (UNCHANGEDSINCE) FLAGS (x)", "Invalid STORE modifiers"}, {"1 (FOO 1) FLAGS (x)", "Unknown STORE modifier"},
      {"1 (UNCHANGEDSINCE x) FLAGS (x)", "Invalid modseq"}, {"1 FLAGS (\\Foo)", "Invalid system flag \\FOO"},
  };
  for (const auto& row : stores) {
    INFO(row.says);
    const auto tree = arguments(row.says);
    CHECK(verdict(StoreArguments::parse(tree.values())) == row.seen);
  }
  const struct { std::string_view says, seen; } copies[] = {
      {"", "Missing arguments"}, {"1", "Missing arguments"}, {"1 (x)", "Invalid arguments"}, {"x INBOX", "Invalid messageset"}, {"1 INBOX x", "ok"}, {"$ NIL", "ok"},
  };
  for (const auto& row : copies) {
    const auto tree = arguments(row.says);
    CHECK(verdict(imap::CopyArguments::parse(tree.values())) == row.seen);
  }
  const struct { std::string_view says, seen; } sets[] = {{"", "Missing arguments"}, {"x", "Invalid uidset"}, {"()", "Invalid arguments"}, {"1:*", "ok"}};
  for (const auto& row : sets) {
    const auto tree = arguments(row.says);
    CHECK(verdict(imap::parse_set_argument(tree.values())) == row.seen);
  }
}
