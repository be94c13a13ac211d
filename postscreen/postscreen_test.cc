#include "postscreen/dnsbl.h"
#include "postscreen/results.h"

#include "lib/testing/catch.h"

namespace postscreen {
namespace {

using std::chrono_literals::operator""s;

TestSet set_of(std::initializer_list<Test> tests) {
  TestSet out;
  for (const Test test : tests) out.add(test);
  return out;
}

TEST_CASE("results are five numbers") {
  CHECK(Results::parse("1795956009;1;0;0;0").value().text() == "1795956009;1;0;0;0");
  CHECK(Results().text() == "0;0;0;0;0");
  for (const char* bad : {"", "1;2;3;4", "1;2;3;4;5;6", "1;2;x;4;5", "1;-2;3;4;5"}) CHECK_FALSE(Results::parse(bad));
}

TEST_CASE("a test is due when it was never passed, or too long ago") {
  const Results results = Results::parse("100;1;0;300;0").value();
  const TestSet all = set_of({Test::pregreet, Test::dnsbl, Test::pipelining, Test::non_smtp});
  CHECK(results.due(all, 200) == set_of({Test::pregreet, Test::dnsbl, Test::pipelining}));
  CHECK(results.due(set_of({Test::non_smtp}), 200).empty());
  CHECK(results.is_old(set_of({Test::pregreet, Test::dnsbl, Test::non_smtp})));
  CHECK_FALSE(results.is_old(all));
  CHECK(results.last() == 300);
}

TEST_CASE("the weights of DNS lists") {
  const auto address = [](const char* text) { return io::Address::parse(text).value(); };
  const DnsblSites sites = DnsblSites::parse("bl.example*2, wl.example*-3 bl.example=127.0.0.[3..4]*4").value();
  CHECK(sites.domains() == std::vector<std::string>{"bl.example", "wl.example"});
  CHECK(sites.weight("bl.example", {address("127.0.0.2")}) == 2);
  CHECK(sites.weight("bl.example", {address("127.0.0.2"), address("127.0.0.4")}) == 6);
  CHECK(sites.weight("wl.example", {address("127.0.0.2")}) == -3);
  CHECK(sites.weight("wl.example", {}) == 0);
  CHECK(DnsblSites::parse("bl.example*x").error().message() == "bad DNSBL weight factor \"x\" in \"bl.example*x\"");
  CHECK(DnsblSites::parse("bl.example=127.0.0").error().message() == "bad DNSBL filter syntax: need \".\" at \"127.0.0><\"");

  DnsblScore score;
  score.take("a.example", 2, 300s);
  score.take("b.example", 3, 60s);
  score.take("c.example", -1, 100s);
  CHECK(score.rank == 4);
  CHECK(score.domain == "b.example");
  CHECK(score.ttl == 60s);
}

}  // namespace
}  // namespace postscreen
