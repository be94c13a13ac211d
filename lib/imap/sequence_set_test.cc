#include "lib/imap/sequence_set.h"

#include <string>

#include "lib/testing/catch.h"

using imap::NumberSet;
using imap::SequenceSet;

TEST_CASE("a set is ranges, normalised") {
  const struct { std::string_view says, seen; std::uint64_t count; } table[] = {
      {"1", "1", 1},       {"1:3", "1:3", 3},   {"3:1", "1:3", 3},         {"1,2,3", "1:3", 3},     {"5,1:2,3", "1:3,5", 4},
      {"*", "10", 1},      {"2:*", "2:10", 9},  {"*:2", "2:10", 9},        {"12:*", "10:12", 3},    {"*,*:*,1", "1,10", 2},
      {"1:10,2:3", "1:10", 10}, {"4294967295,1", "1,4294967295", 2},       {"1:4294967295", "1:4294967295", 4294967295U},
      {"4294967294,4294967295", "4294967294:4294967295", 2},
  };
  for (const auto& row : table) {
    INFO(row.says);
    const auto set = SequenceSet::parse(row.says);
    REQUIRE(set);
    CHECK(set->resolve(10).text() == row.seen);
    CHECK(set->resolve(10).count() == row.count);
  }
  CHECK(SequenceSet::parse("1:*,5")->largest_named() == 5);
  CHECK(SequenceSet::parse("1:*,5")->has_star());
  CHECK_FALSE(SequenceSet::parse("1:7,5")->has_star());
  CHECK(SequenceSet::parse("$")->is_saved_result());
}

TEST_CASE("'*' names nothing in an empty mailbox") {
  CHECK(SequenceSet::parse("*")->resolve(0).empty());
  CHECK(SequenceSet::parse("1:*")->resolve(0).empty());
  CHECK(SequenceSet::parse("1:*,7")->resolve(0).text() == "7");
}

TEST_CASE("what is no set is none") {
  for (const std::string_view text : {"", "0", "01", "x", "1,", ",1", "1,,2", "1:", ":1", "1:2:3", "1 2", "-1", "+1", "4294967296", "$,1", "1:$", "**", "1:0"}) {
    INFO(text);
    REQUIRE_FALSE(SequenceSet::parse(text));
    CHECK(SequenceSet::parse(text).error().message() == "Invalid messageset");
  }
}

TEST_CASE("a set has a limit") {
  std::string text = "1";
  for (std::size_t i = 1; i < imap::ranges_limit; ++i) text += "," + std::to_string(1000000 - 2 * i);
  CHECK(SequenceSet::parse(text)->resolve(1).ranges().size() == imap::ranges_limit);
  CHECK(SequenceSet::parse(text + ",1").error().message() == "Too many message ranges");
}

TEST_CASE("numbers are added in any order") {
  NumberSet set;
  for (const std::uint32_t number : {5U, 6U, 1U, 3U, 2U, 9U, 8U, 4294967295U, 4294967294U}) set.add(number);
  CHECK(set.text() == "1:3,5:6,8:9,4294967294:4294967295");
  set.add({4, 7});
  CHECK(set.text() == "1:9,4294967294:4294967295");
  set.add({20, 30});
  CHECK(set.text() == "1:9,20:30,4294967294:4294967295");
  for (const std::uint32_t number : {1U, 9U, 20U, 4294967295U}) CHECK(set.contains(number));
  for (const std::uint32_t number : {10U, 19U, 31U, 4294967293U}) CHECK_FALSE(set.contains(number));
  CHECK_FALSE(NumberSet().contains(1));
  CHECK(NumberSet().text().empty());
}

TEST_CASE("sets are cut by sets") {
  const auto set = [](std::string_view text) { return text.empty() ? NumberSet() : SequenceSet::parse(text)->resolve(1); };
  const struct { std::string_view a, b, within, without; } table[] = {
      {"1:10", "3:4,8", "3:4,8", "1:2,5:7,9:10"}, {"1:10", "1:10", "1:10", ""},   {"1:10", "", "", "1:10"},
      {"1:3,7:9", "2:8", "2:3,7:8", "1,9"},       {"5", "1:4,6:9", "", "5"},      {"1:4294967295", "4294967295", "4294967295", "1:4294967294"},
      {"1,3,5,7", "3:5", "3,5", "1,7"},           {"4:6,8:9", "5,9:12", "5,9", "4,6,8"},
  };
  for (const auto& row : table) {
    INFO(row.a << " " << row.b);
    CHECK(set(row.a).within(set(row.b)).text() == row.within);
    CHECK(set(row.a).without(set(row.b)).text() == row.without);
  }
}

TEST_CASE("numbers in an order of their own are shown so") {
  CHECK(imap::ordered_text(std::vector<std::uint32_t>{2, 1, 5, 6, 7, 4, 3, 9}) == "2,1,5:7,4,3,9");
  CHECK(imap::ordered_text(std::vector<std::uint32_t>{4294967294, 4294967295}) == "4294967294:4294967295");
  CHECK(imap::ordered_text({}).empty());
}
