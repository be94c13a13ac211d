#include "lib/imap/search_program.h"

#include <string>

#include "lib/imap/test_arguments.h"

#include "lib/testing/catch.h"

using imap::SearchKey;
using imap::SearchNode;
using imap::SearchProgram;
using imap::Truth;
using imap::testing::arguments;

namespace {

std::string leaf_text(const SearchNode& node) {
  const std::string fuzzy = node.is_fuzzy ? "~" : "";
  switch (node.key) {
    case SearchKey::all: return fuzzy + "all";
    case SearchKey::seen: return fuzzy + "seen";
    case SearchKey::recent: return fuzzy + "recent";
    case SearchKey::keyword: return fuzzy + "keyword:" + node.text;
    case SearchKey::header: return fuzzy + node.field + ":" + node.text;
    case SearchKey::message_numbers: return fuzzy + (node.set.is_saved_result() ? "$" : node.set.resolve(9).text());
    case SearchKey::uids: return fuzzy + "uid:" + node.set.resolve(9).text();
    case SearchKey::modseq:
    case SearchKey::larger:
    case SearchKey::older: return fuzzy + std::to_string(node.number);
    case SearchKey::since: return fuzzy + std::to_string(node.day.time_since_epoch().count());
    default: return fuzzy + "#" + std::to_string(static_cast<int>(node.key));
  }
}

// "and(seen or(all not(recent)))".
std::string shown(const SearchProgram& program, std::uint32_t at = 0) {
  const SearchNode& node = program.nodes[at];
  if (node.key > SearchKey::not_) return leaf_text(node);
  std::string out = node.key == SearchKey::and_ ? "and(" : node.key == SearchKey::or_ ? "or(" : "not(";
  for (std::uint32_t i = at + 1; i < node.next; i = program.nodes[i].next) out += (i == at + 1 ? "" : " ") + shown(program, i);
  return out + ")";
}

std::string read(std::string_view text) {
  const auto tree = arguments(text);
  const auto program = SearchProgram::parse(tree.values());
  return program ? shown(*program) : program.error().message();
}

std::string times(std::size_t count, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("keys become a tree") {
  const struct { std::string_view says, seen; } table[] = {
      {"ALL", "and(all)"},
      {"seen unseen", "and(seen not(seen))"},
      {"OR SEEN ALL", "and(or(seen all))"},
      {"OR SEEN OR ALL RECENT", "and(or(seen all recent))"},
      {"OR OR SEEN ALL OR RECENT 5", "and(or(seen all recent 5))"},
      {"OR OR SEEN ALL RECENT ALL", "and(or(seen all recent) all)"},
      {"NOT NOT ALL", "and(not(not(all)))"},
      {"NOT OR SEEN ALL ALL", "and(not(or(seen all)) all)"},
      {"NOT (SEEN ALL) ALL", "and(not(and(seen all)) all)"},
      {"OR (SEEN ALL) (RECENT)", "and(or(and(seen all) and(recent)))"},
      {"(SEEN (ALL)) RECENT", "and(seen all recent)"},
      {"OR UNSEEN NEW ALL", "and(or(not(seen) and(recent not(seen))) all)"},
      {"OLD", "and(not(recent))"},
      {"1 2:4,*", "and(1 2:4,9)"},
      {"UID 1:*", "and(uid:1:9)"},
      {"$ *", "and($ 9)"},
      {"from a SUBJECT \"b c\" HEADER x-y \"\"", "and(FROM:a SUBJECT:b c X-Y:)"},
      {"HEADER NIL NIL", "and(NIL:NIL)"},
      {"KEYWORD x UNKEYWORD y", "and(keyword:x not(keyword:y))"},
      {"LARGER 5000000000 OLDER 1", "and(5000000000 1)"},
      {"MODSEQ 1 MODSEQ \"/flags/\\\\Seen\" all 720162338", "and(1 720162338)"},
      {"SINCE 2-Jan-1970 SINCE \"31-Dec-1969\"", "and(1 -1)"},
      {"FUZZY SUBJECT x SUBJECT y", "and(~SUBJECT:x SUBJECT:y)"},
      {"FUZZY (SUBJECT x OR FROM a FROM b) ALL", "and(~SUBJECT:x or(~FROM:a ~FROM:b) all)"},
      {"FUZZY OR SEEN ALL ALL", "and(or(~seen ~all) all)"},
      {"FUZZY UNSEEN ALL", "and(not(~seen) all)"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    CHECK(read(row.says) == row.seen);
  }
  for (const std::string_view key : {"ANSWERED", "UNANSWERED", "DELETED", "UNDELETED", "DRAFT", "UNDRAFT", "FLAGGED", "UNFLAGGED", "BCC x", "CC x", "TO x", "BODY x", "TEXT x",
                                     "SMALLER 1", "YOUNGER 1", "BEFORE 1-Jan-2000", "ON 1-Jan-2000", "SENTBEFORE 1-Jan-2000", "SENTON 1-Jan-2000", "SENTSINCE 1-Jan-2000",
                                     "SAVEDBEFORE 1-Jan-2000", "SAVEDON 1-Jan-2000", "SAVEDSINCE 1-Jan-2000", "SAVEDATESUPPORTED", "EMAILID x", "THREADID x", "X-GUID x",
                                     "X-MAILBOX x", "X-REAL-UID 1"}) {
    INFO(key);
    CHECK(read(key).starts_with("and("));
  }
}

TEST_CASE("what is no search is told in Dovecot's words") {
  const struct { std::string_view says, seen; } table[] = {
      {"", "Missing search parameters"},
      {"FOO", "Unknown argument FOO"},
      {"ALL x", "Unknown argument X"},
      {"NIL", "Unknown argument NIL"},
      {"()", "No search parameters inside list"},
      {"OR", "Missing argument"},
      {"OR ALL", "Missing argument"},
      {"NOT", "Missing argument"},
      {"(NOT) ALL", "Missing argument"},
      {"FUZZY", "Missing argument"},
      {"(FUZZY) ALL", "Missing argument"},
      {"0", "Invalid messageset"},
      {"1,x", "Invalid messageset"},
      {"UID", "Missing parameter for search key (for search key: UID)"},
      {"UID x", "Invalid UID messageset"},
      {"SUBJECT", "Missing parameter for search key (for search key: SUBJECT)"},
      {"SUBJECT (x)", "Unexpected ( (for search key: SUBJECT)"},
      {"HEADER", "Missing parameter for search key (for search key: HEADER)"},
      {"HEADER x", "Missing parameter for search key (for search key: HEADER)"},
      {"SINCE", "Missing parameter for search key (for search key: SINCE)"},
      {"SINCE x", "Invalid search date parameter"},
      {"SINCE 1-Feb-94", "Invalid search date parameter"},
      {"LARGER x", "Invalid search size parameter"},
      {"LARGER 99999999999999999999", "Invalid search size parameter"},
      {"MODSEQ", "Missing parameter for search key (for search key: MODSEQ)"},
      {"MODSEQ x", "Invalid MODSEQ value"},
      {"MODSEQ \"x\" all 1", "Invalid MODSEQ value"},
      {"MODSEQ \"/flags/\\\\Seen\" foo 1", "Invalid MODSEQ type"},
      {"OLDER 0", "Invalid search interval parameter"},
      {"OLDER x", "Invalid search interval parameter"},
      {"YOUNGER 99999999999", "Invalid search interval parameter"},
      {"KEYWORD", "Missing parameter for search key (for search key: KEYWORD)"},
      {"RETURN (ALL) ALL", "Unknown argument RETURN"},
      {"\"ALL\"", "Unexpected string as search key: ALL"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    CHECK(read(row.says) == row.seen);
  }
}

TEST_CASE("depth and number of keys have limits") {
  CHECK(read(times(20000, "OR ")) == "Search keys are nested too deeply");
  CHECK(read(times(15000, "NOT ") + "ALL") == "Search keys are nested too deeply");
  CHECK(read(times(900, "NOT ") + "ALL").starts_with("and(not("));
  CHECK(read(times(900, "OR SEEN ") + "ALL").starts_with("and(or(seen seen"));
  CHECK(read(times(12000, "ALL ")) == "Too many search keys");
  CHECK(read(times(9000, "ALL ")).starts_with("and(all"));
}

TEST_CASE("a search is evaluated as far as its leaves are known") {
  // seen is true, recent is unknown, all is true, keyword is false.
  const auto leaf = [](const SearchNode& node) {
    if (node.key == SearchKey::recent) return Truth::unknown;
    return node.key == SearchKey::keyword ? Truth::no : Truth::yes;
  };
  const struct { std::string_view says; Truth truth; } table[] = {
      {"ALL", Truth::yes},           {"KEYWORD x", Truth::no},          {"RECENT", Truth::unknown},
      {"ALL KEYWORD x", Truth::no},  {"RECENT KEYWORD x", Truth::no},   {"RECENT ALL", Truth::unknown},
      {"ALL RECENT", Truth::unknown}, {"NOT ALL", Truth::no},           {"NOT KEYWORD x", Truth::yes},
      {"NOT RECENT", Truth::unknown}, {"OR RECENT ALL", Truth::yes},    {"OR RECENT KEYWORD x", Truth::unknown},
      {"OR KEYWORD x KEYWORD y", Truth::no}, {"OR KEYWORD x ALL", Truth::yes}, {"NOT NOT ALL", Truth::yes},
      {"OR (ALL KEYWORD x) (ALL ALL)", Truth::yes}, {"NOT OR KEYWORD x (RECENT KEYWORD x) ALL", Truth::yes},
      {"ALL NOT (ALL (ALL NOT ALL))", Truth::yes}, {"NEW", Truth::no}, {"OR NEW OLD", Truth::unknown},
  };
  for (const auto& row : table) {
    INFO(row.says);
    const auto tree = arguments(row.says);
    CHECK(SearchProgram::parse(tree.values())->evaluate(leaf) == row.truth);
  }
}

TEST_CASE("no more is asked than decides") {
  const auto asked = [](std::string_view says) {
    std::string out;
    const auto tree = arguments(says);
    static_cast<void>(SearchProgram::parse(tree.values())->evaluate([&](const SearchNode& node) {
      out += leaf_text(node) + " ";
      return node.key == SearchKey::keyword ? Truth::no : Truth::yes;
    }));
    return out;
  };
  CHECK(asked("KEYWORD x ALL") == "keyword:x ");
  CHECK(asked("OR ALL SEEN RECENT") == "all recent ");
  CHECK(asked("OR (KEYWORD x ALL) SEEN RECENT") == "keyword:x seen recent ");
  CHECK(asked("NOT ALL SEEN") == "all ");
}

TEST_CASE("a program knows what it uses") {
  const auto tree = arguments("OR SEEN (BODY x)");
  const auto program = SearchProgram::parse(tree.values());
  CHECK(program->uses(SearchKey::body));
  CHECK_FALSE(program->uses(SearchKey::text));
}
