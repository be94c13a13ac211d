#include "lib/mailbox/destinations.h"

#include "lib/testing/catch.h"

namespace mailbox {
namespace {

using Items = std::vector<std::string>;

TEST_CASE("values of aliases and .forward files") {
  struct Row {
    const char* value;
    Items items;
  };
  const Row rows[] = {
      {"alice, bob", {"alice", "bob"}},
      {"alice bob,,carol", {"alice", "bob", "carol"}},
      {"\\alice, bob", {"\\alice", "bob"}},
      {"\"|cat > /tmp/x; id\", bob", {"|cat > /tmp/x; id", "bob"}},
      {"|exit 67", {"|exit", "67"}},
      {"bob,|/bin/true arg1,alice", {"bob", "|/bin/true", "arg1", "alice"}},
      {"/tmp/file", {"/tmp/file"}},
      {"\"/tmp/a b\"", {"/tmp/a b"}},
      {":include:/etc/list", {":include:/etc/list"}},
      {"Joe Doe <bob@localhost>, x", {"bob@localhost", "x"}},
      {"(comment (nested)) bob (x)", {"bob"}},
      {"grp: alice, bob;", {"alice", "bob"}},
      {"\"john smith\"@example.com", {"john smith@example.com"}},
      {"\"\\\\alice\"@mail.example.test", {"\\alice@mail.example.test"}},
      {"<@a,@b:bob@c>", {"bob@c"}},
      {"<@a:bob@c>", {"bob@c"}},
      {"user@[192.0.2.1]", {"user@[192.0.2.1]"}},
      {"", {}},
      {" , ,", {}},
      {"\"unclosed", {"unclosed"}},
      {"(unclosed", {}},
      {"<>", {}},
      {"<bob", {"bob"}},
  };
  for (const Row& row : rows) {
    INFO(row.value);
    REQUIRE(split_destinations(row.value) == row.items);
  }
}

TEST_CASE("what an item is") {
  REQUIRE(classify("|cat").kind == DestinationKind::command);
  REQUIRE(classify("|cat").text == "cat");
  REQUIRE(classify("/a").kind == DestinationKind::file);
  REQUIRE(classify(":Include:/x").kind == DestinationKind::include);
  REQUIRE(classify(":include:/x").text == "/x");
  REQUIRE(classify("relative/file").kind == DestinationKind::address);
}

TEST_CASE("hostile values stay within bounds") {
  REQUIRE(split_destinations(std::string(10'000'000, ',')).empty());
  REQUIRE(split_destinations(std::string(1'000'000, '(')).empty());
  std::string many;
  for (std::size_t i = 0; i < destination_limit + 10; ++i) many += "a ";
  REQUIRE(split_destinations(many).size() == destination_limit);
  REQUIRE(split_destinations(std::string(10'000'000, 'x')).size() == 1);
}

}  // namespace
}  // namespace mailbox
