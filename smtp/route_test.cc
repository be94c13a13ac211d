#include "smtp/route.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lib/event/loop.h"
#include "lib/testing/dns_server.h"

#include "lib/testing/catch.h"

namespace {

using smtp::Candidate;
using smtp::Lookup;
using testing::DnsQuestion;
using testing::DnsReply;

constexpr unsigned type_a = 1, type_mx = 15;

struct Zone {
  std::map<std::string, std::vector<std::pair<unsigned, std::string>>> exchangers;
  std::map<std::string, std::vector<std::string>> addresses;
  std::vector<std::string> failing;  // SERVFAIL
};

std::string reply_of(const Zone& zone, const DnsQuestion& question) {
  for (const std::string& name : zone.failing) {
    if (name == question.name) return DnsReply(question, 2).packet();
  }
  const bool exists = zone.exchangers.contains(question.name) || zone.addresses.contains(question.name);
  DnsReply reply(question, exists ? 0 : 3);
  if (question.type == type_mx && zone.exchangers.contains(question.name)) {
    for (const auto& [preference, host] : zone.exchangers.at(question.name)) {
      reply.record(question.name, type_mx, testing::dns_mx(preference, host));
    }
  }
  if (question.type == type_a && zone.addresses.contains(question.name)) {
    for (const std::string& address : zone.addresses.at(question.name)) {
      reply.record(question.name, type_a, testing::dns_address(address));
    }
  }
  return reply.packet();
}

// "host[address]" of each candidate with blanks between, or "dsn reason".
std::string route_of(const Zone& zone, const std::string& destination, smtp::RouteSettings settings = {}) {
  std::string result;
  event::Loop loop;
  settings.families = dns::Families::ipv4;
  settings.own = {*io::Address::parse("192.0.2.99")};
  REQUIRE(loop.spawn("test", [&] {
    testing::DnsServer server([&](const DnsQuestion& question) { return reply_of(zone, question); });
    const auto resolver = dns::Resolver::open({.servers = server.address(), .hosts_file = "/nonexistent"});
    const smtp::Router router(**resolver, settings);
    const auto route = router.find(*smtp::parse_destination(destination, 25));
    if (!route) {
      result = route.error().dsn.text() + " " + route.error().reason;
      return;
    }
    for (const Candidate& candidate : *route) result += (result.empty() ? "" : " ") + candidate.peer().text();
  }));
  loop.run_until([&] { return loop.fibers() == 0; });
  return result;
}

const Zone zone{
    .exchangers = {{"two.test", {{20, "b.test"}, {10, "a.test"}}},
                   {"self.test", {{10, "me.test"}, {20, "a.test"}}},
                   {"backup.test", {{10, "a.test"}, {20, "me.test"}, {30, "b.test"}}},
                   {"null.test", {{0, ""}}},
                   {"lost.test", {{10, "nowhere.test"}}},
                   {"half.test", {{10, "nowhere.test"}, {20, "failing.test"}}},
                   {"numeric.test", {{10, "192.0.2.7"}}},
                   {"odd.test", {{10, "bad name!"}}},
                   {"many.test", {{10, "many-hosts.test"}}}},
    .addresses = {{"a.test", {"192.0.2.1"}},
                  {"b.test", {"192.0.2.2"}},
                  {"me.test", {"192.0.2.99"}},
                  {"only-address.test", {"192.0.2.3"}},
                  {"many-hosts.test", {"192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14", "192.0.2.15", "192.0.2.16"}}},
    .failing = {"failing.test"},
};

}  // namespace

TEST_CASE("servers come in the order of preference, the domain itself where it has none") {
  CHECK(route_of(zone, "two.test") == "a.test[192.0.2.1] b.test[192.0.2.2]");
  CHECK(route_of(zone, "only-address.test") == "only-address.test[192.0.2.3]");
  CHECK(route_of(zone, "numeric.test") == "192.0.2.7[192.0.2.7]");
  CHECK(route_of(zone, "[a.test]") == "a.test[192.0.2.1]");
  CHECK(route_of(zone, "[192.0.2.5]:26") == "192.0.2.5[192.0.2.5]");
}

TEST_CASE("mail for us loops, and our equals and inferiors are left out") {
  CHECK(route_of(zone, "self.test") == "5.4.6 mail for self.test loops back to myself");
  CHECK(route_of(zone, "backup.test") == "a.test[192.0.2.1]");
  CHECK(route_of(zone, "me.test") == "5.4.6 mail for me.test loops back to myself");
  CHECK(route_of(zone, "backup.test:26").starts_with("a.test[192.0.2.1] me.test"));
}

TEST_CASE("why there is nobody, in Postfix's words") {
  CHECK(route_of(zone, "nx.test") ==
        "5.4.4 Host or domain name not found. Name service error for name=nx.test type=A: Host not found");
  CHECK(route_of(zone, "null.test") == "5.1.0 Domain null.test does not accept mail (nullMX)");
  CHECK(route_of(zone, "lost.test") ==
        "5.4.4 Host or domain name not found. Name service error for name=nowhere.test type=A: Host not found");
  CHECK(route_of(zone, "half.test") ==
        "4.4.3 Host or domain name not found. Name service error for name=failing.test type=A: Host not found, try again");
  CHECK(route_of(zone, "failing.test") ==
        "4.4.3 Host or domain name not found. Name service error for name=failing.test type=MX: Host not found, try again");
  CHECK(route_of(zone, "odd.test") ==
        "5.4.4 Name service error for name=odd.test type=MX: Malformed or unexpected name server reply");
  CHECK(route_of(zone, "lost.test", {.defers_without_address = true}).starts_with("4.4.4 "));
}

TEST_CASE("equal servers are shuffled, and no more than the limit are tried") {
  std::map<std::string, int> first;
  for (int i = 0; i < 40; ++i) {
    const std::string route = route_of(zone, "many.test");
    CHECK(std::ranges::count(route, '[') == 5);
    ++first[route.substr(0, route.find(' '))];
  }
  CHECK(first.size() > 1);
  CHECK(route_of(zone, "many.test", {.shuffles = false, .address_limit = 2}) ==
        "many-hosts.test[192.0.2.11] many-hosts.test[192.0.2.12]");
}
