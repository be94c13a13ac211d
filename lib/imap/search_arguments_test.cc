#include "lib/imap/search_arguments.h"

#include <string>

#include "lib/imap/test_arguments.h"

#include "lib/testing/catch.h"

using imap::SearchArguments;
using imap::SearchReturn;
using imap::SortArguments;
using imap::SortKey;
using imap::ThreadArguments;
using imap::testing::arguments;
using imap::testing::verdict;

namespace {

std::string returned(std::string_view says) {
  const auto tree = arguments(says);
  const auto search = SearchArguments::parse(tree.values());
  if (!search) return search.error().message();
  const SearchReturn& it = search->returned;
  std::string out = it.is_given ? "given" : "no";
  if (it.min) out += " min";
  if (it.max) out += " max";
  if (it.all) out += " all";
  if (it.count) out += " count";
  if (it.save) out += " save";
  if (it.context) out += " context";
  if (it.update) out += " update";
  if (it.relevancy) out += " relevancy";
  if (it.partial) out += " " + std::to_string(it.partial->first) + ":" + std::to_string(it.partial->last);
  return out + (search->charset.empty() ? "" : " " + search->charset);
}

}  // namespace

TEST_CASE("SEARCH has a charset and says what it returns") {
  const struct { std::string_view says, seen; } table[] = {
      {"ALL", "no"},
      {"CHARSET UTF-8 ALL", "no UTF-8"},
      {"RETURN () ALL", "given all"},
      {"return (min max count all) charset utf-8 ALL", "given min max all count utf-8"},
      {"RETURN (SAVE) ALL", "given save"},
      {"RETURN (SAVE COUNT) ALL", "given count save"},
      {"RETURN (CONTEXT) ALL", "given all context"},
      {"RETURN (UPDATE) ALL", "given update"},
      {"RETURN (RELEVANCY) ALL", "given relevancy"},
      {"RETURN (PARTIAL 1:5) ALL", "given 1:5"},
      {"RETURN (PARTIAL 5:1) ALL", "given 1:5"},
      {"RETURN (PARTIAL -1:-5 COUNT) ALL", "given count -1:-5"},
      {"RETURN (PARTIAL -5:-1) ALL", "given -1:-5"},
      {"", "Missing search parameters"},
      {"CHARSET", "Invalid charset argument"},
      {"CHARSET (x) ALL", "Invalid charset argument"},
      {"CHARSET UTF-8", "Missing search parameters"},
      {"RETURN", "Unknown argument RETURN"},
      {"RETURN ALL", "Unknown argument RETURN"},
      {"RETURN (FOO) ALL", "Unknown SEARCH return option"},
      {"RETURN ((ALL)) ALL", "Unknown SEARCH return option"},
      {"RETURN (PARTIAL) ALL", "PARTIAL range missing"},
      {"RETURN (PARTIAL x) ALL", "PARTIAL range broken"},
      {"RETURN (PARTIAL 0:1) ALL", "PARTIAL range broken"},
      {"RETURN (PARTIAL -1:1) ALL", "PARTIAL range broken"},
      {"RETURN (PARTIAL 1) ALL", "PARTIAL range broken"},
      {"RETURN (PARTIAL 1:4294967296) ALL", "PARTIAL range broken"},
      {"RETURN (PARTIAL 1:2 ALL) ALL", "PARTIAL conflicts with ALL"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    CHECK(returned(row.says) == row.seen);
  }
}

TEST_CASE("SORT has criteria") {
  const struct { std::string_view says, seen; } table[] = {
      {"", "Invalid sort argument"},
      {"()", "Empty sort program"},
      {"DATE UTF-8 ALL", "Invalid sort argument"},
      {"(FOO) UTF-8 ALL", "Unknown sort argument: FOO"},
      {"(REVERSE) UTF-8 ALL", "Sort list ends with REVERSE"},
      {"(REVERSE REVERSE) UTF-8 ALL", "Sort list ends with REVERSE"},
      {"((DATE)) UTF-8 ALL", "Invalid sort list argument"},
      {"(DATE)", "Invalid charset argument"},
      {"(DATE) (x) ALL", "Invalid charset argument"},
      {"(DATE) UTF-8", "Missing search parameters"},
      {"(REVERSE REVERSE DATE) UTF-8 ALL", "ok"},
      {"RETURN (COUNT) (DATE) UTF-8 ALL", "ok"},
      {"(arrival cc from size to x-score displayfrom displayto relevancy) UTF-8 ALL", "ok"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    const auto tree = arguments(row.says);
    CHECK(verdict(SortArguments::parse(tree.values())) == row.seen);
  }
  const auto tree = arguments("RETURN (COUNT) (REVERSE DATE SUBJECT) US-ASCII SEEN");
  const auto sort = SortArguments::parse(tree.values());
  CHECK(sort->criteria == std::vector<imap::SortCriterion>{{SortKey::date, true}, {SortKey::subject, false}});
  CHECK(sort->charset == "US-ASCII");
  CHECK(sort->returned.count);
  CHECK(sort->program.uses(imap::SearchKey::seen));
}

TEST_CASE("THREAD has an algorithm") {
  const struct { std::string_view says, seen; } table[] = {
      {"", "Invalid arguments"},
      {"FOO UTF-8 ALL", "Unknown thread algorithm"},
      {"(x) UTF-8 ALL", "Invalid arguments"},
      {"REFERENCES", "Invalid arguments"},
      {"REFERENCES UTF-8", "Missing search parameters"},
      {"references UTF-8 ALL", "ok"},
      {"ORDEREDSUBJECT FOO ALL", "ok"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    const auto tree = arguments(row.says);
    CHECK(verdict(ThreadArguments::parse(tree.values())) == row.seen);
  }
  const auto tree = arguments("REFS UTF-8 ALL");
  CHECK(ThreadArguments::parse(tree.values())->algorithm == imap::ThreadAlgorithm::refs);
}

TEST_CASE("CANCELUPDATE has tags, which are strings") {
  CHECK_FALSE(imap::parse_cancel_update(arguments("").values()));
  CHECK(imap::parse_cancel_update(arguments("a1").values()).error().message() == "Invalid parameters");
  CHECK_FALSE(imap::parse_cancel_update(arguments("\"a1\" (x)").values()));
  CHECK(*imap::parse_cancel_update(arguments("\"a1\" \"\"").values()) == std::vector<std::string>{"a1", ""});
}
