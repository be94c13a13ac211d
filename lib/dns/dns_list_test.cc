#include "lib/dns/dns_list.h"

#include "lib/testing/catch.h"

namespace {

TEST_CASE("the answers of a DNS list that count") {
  struct Row {
    const char *pattern, *address;
    bool matches;
  };
  constexpr Row rows[] = {
      {"127.0.0.2", "127.0.0.2", true},       {"127.0.0.2", "127.0.0.3", false},         {"127.0.0.[2;4]", "127.0.0.4", true},
      {"127.0.0.[2;4]", "127.0.0.3", false},  {"127.0.0.[2..4;9]", "127.0.0.3", true},   {"127.0.0.[2..4;9]", "127.0.0.9", true},
      {"127.0.0.[2..4;9]", "127.0.0.5", false}, {"127.[0;1].0.2", "127.1.0.2", true},    {"[0..255].0.0.2", "10.0.0.2", true},
      {"127.0.0.2", "2001:db8::2", false},
  };
  for (const Row& row : rows) {
    const auto pattern = dns::AddressPattern::parse(row.pattern);
    REQUIRE(pattern);
    CHECK(pattern->matches(io::Address::parse(row.address).value()) == row.matches);
  }
  for (const char* bad : {"", "x", "127", "127.0.0", "127.0.0.", "127.0.0.256", "127.0.0.2.3", "127.0.0.[", "127.0.0.[2", "127.0.0.[]", "127.0.0.[4..2]",
                          "127.0.0.[2..]", "127.0.0.[2,3]", "127.0.0.2x", "127.0.0.-1", "127.0.0.[2;]"}) {
    CHECK_FALSE(dns::AddressPattern::parse(bad));
  }
  CHECK(dns::AddressPattern::parse("127.0.0.[4..2]").error().message() == "numeric range error at \"127.0.0.[4..>2<]\"");
  CHECK(dns::AddressPattern::parse("127.0.0.300").error().message() == "need decimal number 0..255 or \"[\" at \"127.0.0.>300<\"");
  CHECK(dns::DnsList::parse("zen.example=127.0.0.2").value().domain == "zen.example");
  CHECK_FALSE(dns::DnsList::parse("zen.example").value().pattern);
  CHECK_FALSE(dns::DnsList::parse("zen.example="));
  CHECK(dns::reversed(io::Address::parse("192.0.2.1").value()) == "1.2.0.192");
  CHECK(dns::reversed(io::Address::parse("2001:db8::1").value()) ==
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2");
}

}  // namespace
