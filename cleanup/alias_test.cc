#include "cleanup/alias.h"
#include "cleanup/duplicates.h"
#include "cleanup/fake_addresses.h"

#include "lib/testing/catch.h"

namespace cleanup {
namespace {

using Strings = std::vector<std::string>;

FakeAddresses& table(FakeAddresses& addresses) {
  addresses.table = {
      {"one@va.test", "alice@example.test"},
      {"two@va.test", "a1@x.test, b1@x.test"},
      {"t@va.test", "a@va.test, z@x.test"},
      {"a@va.test", "p@x.test, q@x.test"},
      {"self@va.test", "self@va.test, other@x.test"},
      {"grow@va.test", "grow@va.test, grow2@va.test"},
      {"grow2@va.test", "grow@va.test, grow3@va.test"},
      {"grow3@va.test", "grow@va.test, zz@x.test"},
      {"loop1@va.test", "loop2@va.test"},
      {"loop2@va.test", "loop1@va.test"},
      {"ext@va.test", "tgt@x.test"},
      {"@dom.test", "@newdom.test"},
      {"@same.test", "@same.test"},
      {"names@va.test", "Foo Bar <foo@x.test>, baz (comment), grp: m1@x.test, m2;"},
      {"quoted@va.test", "\"quo ted\"@x.test"},
      {"empty@va.test", ","},
      {"local@va.test", "alice"},
      {"bomb@va.test", "bomb1@va.test, bomb2@va.test"},
      {"bomb1@va.test", "bomb@va.test, bomb2@va.test"},
      {"bomb2@va.test", "bomb1@va.test, bomb@va.test"},
  };
  return addresses;
}

}  // namespace

TEST_CASE("a recipient becomes what its aliases say, in Postfix's order") {
  struct Row {
    const char* recipient;
    Strings expected;
  };
  const std::vector<Row> rows{
      {"nobody@x.test", {"nobody@x.test"}},
      {"one@va.test", {"alice@example.test"}},
      {"ONE@VA.TEST", {"alice@example.test"}},
      {"two@va.test", {"a1@x.test", "b1@x.test"}},
      {"t@va.test", {"p@x.test", "z@x.test", "q@x.test"}},
      {"self@va.test", {"self@va.test", "other@x.test"}},
      {"grow@va.test", {"grow@va.test", "grow@va.test", "grow@va.test", "zz@x.test"}},
      {"ext+foo@va.test", {"tgt+foo@x.test"}},
      {"u+e@dom.test", {"u+e@newdom.test"}},
      {"x@same.test", {"x@same.test"}},
      {"names@va.test", {"foo@x.test", "baz@example.test", "m1@x.test", "m2@example.test"}},
      {"quoted@va.test", {"quo ted@x.test"}},
      {"local@va.test", {"alice@example.test"}},
  };
  for (const Row& row : rows) {
    FakeAddresses addresses;
    const auto got = expand_aliases(table(addresses), Policy{}, row.recipient);
    INFO(row.recipient);
    REQUIRE(got);
    CHECK_THAT(*got, Catch::Equals(row.expected));
  }
}

TEST_CASE("extensions are not propagated when the policy says so") {
  FakeAddresses addresses;
  Policy policy;
  policy.propagate_virtual = false;
  CHECK(expand_aliases(table(addresses), policy, "ext+foo@va.test").value() == Strings{"tgt@x.test"});
}

TEST_CASE("aliases beyond the limits are refused with Postfix's words") {
  FakeAddresses addresses;
  table(addresses);
  std::string many = "m0@x.test";
  for (int i = 1; i < 1001; ++i) many += ", m" + std::to_string(i) + "@x.test";
  addresses.table["many@va.test"] = many;
  addresses.table["long@va.test"] = std::string(1200, 'l') + "@x.test";
  const auto error = [&](const char* recipient) {
    return expand_aliases(addresses, Policy{}, recipient).error().message();
  };
  CHECK(error("loop1@va.test") ==
        "unreasonable virtual_alias_maps map nesting for loop1@va.test -- message not accepted, try again later");
  CHECK(error("many@va.test") ==
        "unreasonable virtual_alias_maps map expansion size for many@va.test -- message not accepted, try again later");
  CHECK(error("long@va.test") == "unreasonable virtual_alias_maps result " + std::string(300, 'l') +
                                     "... -- message not accepted, try again later");
  CHECK(error("empty@va.test") ==
        "virtual_alias_maps map lookup problem for empty@va.test -- message not accepted, try again later");
  addresses.broken["two@va.test"] = true;
  CHECK(error("two@va.test") ==
        "virtual_alias_maps map lookup problem for two@va.test -- message not accepted, try again later");
}

TEST_CASE("aliases that feed each other end at a limit after bounded work") {
  FakeAddresses addresses;
  CHECK_FALSE(expand_aliases(table(addresses), Policy{}, "bomb@va.test"));
  CHECK(addresses.lookups <= 2000);
}

TEST_CASE("the duplicate filter ignores case and stops remembering at its limit") {
  Duplicates few(2);
  CHECK(few.add("a"));
  CHECK_FALSE(few.add("A"));
  CHECK(few.add("b"));
  CHECK(few.add("c"));
  CHECK(few.add("c"));
  CHECK_FALSE(few.add("b"));
  Duplicates unlimited(0);
  for (int i = 0; i < 5000; ++i) CHECK(unlimited.add(std::to_string(i)));
  CHECK_FALSE(unlimited.add("17"));
}

}  // namespace cleanup
