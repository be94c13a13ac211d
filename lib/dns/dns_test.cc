#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/dns/hosts.h"
#include "lib/dns/packet.h"
#include "lib/dns/resolver.h"
#include "lib/event/loop.h"
#include "lib/testing/dns_server.h"

#include "lib/testing/catch.h"

namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using dns::Families;
using dns::Mx;
using dns::Status;
using dns::Type;
using testing::DnsQuestion;
using testing::DnsReply;

constexpr unsigned type_a = 1, type_cname = 5, type_ptr = 12, type_mx = 15, type_txt = 16, type_aaaa = 28, type_tlsa = 52;
constexpr unsigned servfail = 2, nxdomain = 3;

// Runs `test` in a fiber against a server that follows `script`.
void with_server(const testing::DnsServer::Script& script, const std::function<void(dns::Resolver&, testing::DnsServer&)>& test,
                 dns::Resolver::Options options = {}) {
  event::Loop loop;
  REQUIRE(loop.spawn("test", [&] {
    testing::DnsServer server(script);
    options.servers = server.address();
    options.hosts_file = "/nonexistent";
    const auto resolver = dns::Resolver::open(options);
    REQUIRE(resolver);
    test(**resolver, server);
  }));
  loop.run_until([&] { return loop.fibers() == 0; });
}

Deadline soon() { return base::after(10s); }

// The MX answer to one scripted reply.
dns::Answer<Mx> mx_of(const std::function<std::string(const DnsQuestion&)>& reply) {
  dns::Answer<Mx> answer;
  with_server([&](const DnsQuestion& question) { return reply(question); },
              [&](dns::Resolver& resolver, testing::DnsServer&) { answer = resolver.mx("example.com", soon()); });
  return answer;
}

std::vector<std::string> texts_of(const std::vector<io::Address>& addresses) {
  std::vector<std::string> texts;
  for (const io::Address& address : addresses) texts.push_back(address.text());
  return texts;
}

}  // namespace

TEST_CASE("mail exchangers come in the order of preference, with the least time to live") {
  const auto answer = mx_of([](const DnsQuestion& question) {
    return DnsReply(question)
        .record("example.com", type_mx, testing::dns_mx(20, "b.example.com"), 600)
        .record("EXAMPLE.com", type_mx, testing::dns_mx(10, "a.example.com"), 60)
        .record("example.com", type_mx, testing::dns_mx(20, "a2.example.com"), 600)
        .packet();
  });
  CHECK(answer.status == Status::found);
  CHECK(answer.records == std::vector<Mx>{{10, "a.example.com"}, {20, "b.example.com"}, {20, "a2.example.com"}});
  CHECK(answer.ttl == 60s);
}

TEST_CASE("nothing there, nobody there and nobody knows are kept apart") {
  struct Vector {
    unsigned code;
    Status status;
    const char* reason;
  };
  for (const Vector& vector : {Vector{nxdomain, Status::no_domain, "Host not found"},
                               Vector{0, Status::no_data, "Host found but no data record of requested type"},
                               Vector{servfail, Status::temporary, "Host not found, try again"},
                               Vector{5, Status::temporary, "Host not found, try again"}}) {
    const auto answer = mx_of([&](const DnsQuestion& question) { return DnsReply(question, vector.code).packet(); });
    CHECK(answer.status == vector.status);
    CHECK(answer.reason == vector.reason);
  }
}

TEST_CASE("a silent server is a temporary failure at the deadline") {
  with_server([](const DnsQuestion&) { return std::nullopt; },
              [](dns::Resolver& resolver, testing::DnsServer&) {
                CHECK(resolver.mx("example.com", base::after(20ms)).status == Status::temporary);
              });
}

TEST_CASE("null MX, unusable hosts and numeric hosts") {
  CHECK(mx_of([](const DnsQuestion& question) {
          return DnsReply(question).record("example.com", type_mx, testing::dns_mx(0, "")).packet();
        }).status == Status::null_mx);
  CHECK(mx_of([](const DnsQuestion& question) {
          return DnsReply(question).record("example.com", type_mx, testing::dns_mx(0, "bad name!")).packet();
        }).status == Status::invalid);
  const auto answer = mx_of([](const DnsQuestion& question) {
    return DnsReply(question)
        .record("example.com", type_mx, testing::dns_mx(5, "-bad"))
        .record("example.com", type_mx, testing::dns_mx(7, "192.0.2.1"))
        .packet();
  });
  CHECK(answer.records == std::vector<Mx>{{7, "192.0.2.1"}});
}

TEST_CASE("a packet that lies in its lengths or names is as good as none") {
  using Make = std::function<std::string(const DnsQuestion&)>;
  const std::string name = testing::dns_name("example.com");
  const std::string header = name + testing::dns_number16(type_mx) + testing::dns_number16(1) + std::string(4, '\0');
  std::vector<Make> lies;
  for (unsigned length = 0; length <= 6; ++length) {
    lies.emplace_back([length](const DnsQuestion& question) {
      return DnsReply(question).lying_record("example.com", type_mx, testing::dns_mx(10, "a.example.com"), length).packet();
    });
  }
  lies.emplace_back([](const DnsQuestion& question) {  // longer than the packet
    return DnsReply(question).lying_record("example.com", type_mx, testing::dns_mx(10, "a"), 6000).packet();
  });
  lies.emplace_back([](const DnsQuestion& question) {  // more records counted than there are
    return DnsReply(question).record("example.com", type_mx, testing::dns_mx(10, "a")).raw("", 5000).packet();
  });
  lies.emplace_back([&](const DnsQuestion& question) {  // a name that points to itself
    const std::string loop = "\xc0" + std::string(1, static_cast<char>(12 + name.size() + 4 + header.size() + 2 + 2));
    return DnsReply(question).raw(header + testing::dns_number16(4) + testing::dns_number16(10) + loop, 1).packet();
  });
  lies.emplace_back([&](const DnsQuestion& question) {  // a pointer beyond the packet
    return DnsReply(question).raw(header + testing::dns_number16(4) + testing::dns_number16(10) + "\xff\xff", 1).packet();
  });
  for (std::size_t i = 0; i < lies.size(); ++i) {
    INFO("lie " << i);
    CHECK(mx_of(lies[i]).status == Status::garbled);
  }
}

TEST_CASE("a packet cut at each byte is read without harm") {
  const DnsQuestion question{1, "example.com", type_mx, false};
  const std::string whole = DnsReply(question)
                                .record("example.com", type_cname, testing::dns_name("other.example"))
                                .record("other.example", type_mx, testing::dns_mx(10, "a.example.com"))
                                .packet();
  CHECK(dns::read_packet(whole, "example.com", Type::mx)->mx == std::vector<Mx>{{10, "a.example.com"}});
  constexpr std::size_t flags_at = 2;
  std::string no_answer = whole;
  no_answer[flags_at] = static_cast<char>(no_answer[flags_at] ^ 0x80);
  CHECK_FALSE(dns::read_packet(no_answer, "example.com", Type::mx));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut(whole.data(), size);
    CHECK_FALSE(dns::read_packet(cut, "example.com", Type::mx));
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x40, 0x80, 0xff}) {
      std::string bent = whole;
      bent[at] = static_cast<char>(bent[at] ^ flip);
      static_cast<void>(dns::read_packet(bent, "example.com", Type::mx));
    }
  }
}

TEST_CASE("of ten thousand records a hundred are kept") {
  DnsReply reply(DnsQuestion{1, "example.com", type_a, true});
  for (unsigned i = 0; i < 2000; ++i) reply.record("example.com", type_a, std::string(4, static_cast<char>(i)));
  const auto found = dns::read_packet(reply.packet(), "example.com", Type::a);
  REQUIRE(found);
  CHECK(found->addresses.size() == dns::records_limit);
}

TEST_CASE("only records of the name that was asked count") {
  const auto answer = mx_of([](const DnsQuestion& question) {
    return DnsReply(question)
        .record("evil.example", type_mx, testing::dns_mx(0, "evil.example"))
        .record("example.com", type_a, testing::dns_address("192.0.2.66"))
        .packet();
  });
  CHECK(answer.status == Status::no_data);
}

TEST_CASE("an answer with another id or question is not believed") {
  int replies = 0;
  with_server(
      [&](const DnsQuestion& question) {
        ++replies;
        if (replies == 1) {
          return DnsReply(question).with_id(static_cast<std::uint16_t>(question.id + 1))
              .record("example.com", type_mx, testing::dns_mx(0, "evil.example")).packet();
        }
        DnsQuestion other = question;
        other.name = "evil.example";
        return DnsReply(other).record("example.com", type_mx, testing::dns_mx(0, "evil.example")).packet();
      },
      [](dns::Resolver& resolver, testing::DnsServer&) {
        CHECK(resolver.mx("example.com", base::after(50ms)).status == Status::temporary);
        CHECK(resolver.mx("example.com", base::after(50ms)).status == Status::temporary);
      });
}

TEST_CASE("aliases are followed, in one answer or by asking on, and no further than the limit") {
  const auto alias = [](int i) { return "alias" + std::to_string(i) + ".example"; };
  for (const bool chain_in_answer : {true, false}) {
    for (const int length : {3, 10, 11, 100}) {
      with_server(
          [&](const DnsQuestion& question) {
            DnsReply reply(question);
            const int first = std::stoi(question.name.substr(5));
            for (int i = first; i < (chain_in_answer ? length : std::min(first + 1, length)); ++i) {
              reply.record(alias(i), type_cname, testing::dns_name(alias(i + 1)), 30);
            }
            if (chain_in_answer || first == length) reply.record(alias(length), type_a, testing::dns_address("192.0.2.5"));
            return reply.packet();
          },
          [&](dns::Resolver& resolver, testing::DnsServer&) {
            const auto answer = resolver.addresses(alias(0), Families::ipv4, soon());
            INFO("chain of " << length);
            CHECK(answer.status == (length <= dns::alias_limit ? Status::found : Status::garbled));
            if (answer && chain_in_answer) CHECK(answer.ttl == 30s);
          });
    }
  }
  with_server([&](const DnsQuestion& question) {
                return DnsReply(question).record("alias0.example", type_cname, testing::dns_name("alias0.example")).packet();
              },
              [&](dns::Resolver& resolver, testing::DnsServer&) {
                CHECK(resolver.addresses("alias0.example", Families::ipv4, soon()).status == Status::garbled);
              });
}

TEST_CASE("addresses of both families, or of the one that is there") {
  with_server(
      [](const DnsQuestion& question) {
        if (question.name == "half.example" && question.type == type_aaaa) return DnsReply(question, servfail).packet();
        if (question.name == "none.example") return DnsReply(question, question.type == type_a ? servfail : 0).packet();
        DnsReply reply(question);
        if (question.type == type_a) reply.record(question.name, type_a, testing::dns_address("192.0.2.1"), 100);
        if (question.type == type_aaaa) reply.record(question.name, type_aaaa, testing::dns_address("2001:db8::1"), 50);
        return reply.packet();
      },
      [](dns::Resolver& resolver, testing::DnsServer& server) {
        const auto both = resolver.addresses("host.example.", Families::both, soon());
        CHECK(texts_of(both.records) == std::vector<std::string>{"192.0.2.1", "2001:db8::1"});
        CHECK(both.ttl == 50s);
        CHECK(texts_of(resolver.addresses("host.example", Families::ipv6, soon()).records) ==
              std::vector<std::string>{"2001:db8::1"});
        CHECK(texts_of(resolver.addresses("half.example", Families::both, soon()).records) ==
              std::vector<std::string>{"192.0.2.1"});
        CHECK(resolver.addresses("none.example", Families::both, soon()).status == Status::temporary);
        const std::size_t asked = server.asked().size();
        CHECK(resolver.addresses("not a name", Families::both, soon()).status == Status::invalid);
        CHECK(server.asked().size() == asked);
      });
}

TEST_CASE("names of addresses must be host names") {
  with_server(
      [](const DnsQuestion& question) {
        if (question.name == "1.2.0.192.in-addr.arpa") {
          return DnsReply(question)
              .record(question.name, type_ptr, testing::dns_name("host.example"))
              .record(question.name, type_ptr, std::string("\x05" "a\\b\x01\n\0", 7))
              .packet();
        }
        if (question.name == "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa") {
          return DnsReply(question).record(question.name, type_ptr, testing::dns_name("six.example")).packet();
        }
        return DnsReply(question).record(question.name, type_ptr, std::string("\x03" "a b\0", 5)).packet();
      },
      [](dns::Resolver& resolver, testing::DnsServer&) {
        CHECK(resolver.names(*io::Address::parse("192.0.2.1"), soon()).records == std::vector<std::string>{"host.example"});
        CHECK(resolver.names(*io::Address::parse("2001:db8::1"), soon()).records == std::vector<std::string>{"six.example"});
        CHECK(resolver.names(*io::Address::parse("192.0.2.2"), soon()).status == Status::invalid);
      });
}

TEST_CASE("texts are joined, and one that is longer than its record is refused") {
  with_server(
      [](const DnsQuestion& question) {
        const std::string data = question.name == "good.example" ? std::string("\x03" "v=s" "\x02" "pf", 7) : std::string("\x09" "abc", 4);
        return DnsReply(question).record(question.name, type_txt, data).packet();
      },
      [](dns::Resolver& resolver, testing::DnsServer&) {
        CHECK(resolver.texts("good.example", soon()).records == std::vector<std::string>{"v=spf"});
        CHECK(resolver.texts("bad.example", soon()).status == Status::garbled);
      });
}

TEST_CASE("whether an answer is authentic is asked for, and said of all that leads to it") {
  const auto script = [](const DnsQuestion& question) {
    DnsReply reply(question, question.name == "nowhere.example" ? nxdomain : 0);
    if (question.type == type_a && question.name.starts_with("alias")) reply.record(question.name, type_cname, testing::dns_name("host.example"));
    if (question.type == type_a && question.name == "host.example") reply.record(question.name, type_a, testing::dns_address("192.0.2.5"));
    if (question.type == type_tlsa) reply.record(question.name, type_tlsa, std::string("\3\1\1ab", 5)).record(question.name, type_tlsa, std::string("\3\1\1", 3));
    if (question.name == "alias-bad.example" || !question.wants_signatures) return reply.packet();
    return reply.authentic().packet();
  };
  const auto validating = [](dns::Resolver& resolver, testing::DnsServer& server) {
    CHECK(resolver.addresses("host.example", Families::ipv4, soon()).is_validated);
    CHECK(resolver.addresses("alias.example", Families::ipv4, soon()).is_validated);
    const auto bad = resolver.addresses("alias-bad.example", Families::ipv4, soon());
    CHECK((bad && !bad.is_validated && bad.canonical == "host.example"));
    CHECK(resolver.addresses("nowhere.example", Families::ipv4, soon()).status == Status::no_domain);
    CHECK(resolver.mx("host.example", soon()).status == Status::no_data);
    const auto records = resolver.tlsa("_25._tcp.host.example", soon());
    REQUIRE((records && records.is_validated && records.records.size() == 1));
    CHECK(records.records[0].text() == "3 1 1 6162");
    CHECK(server.asked().front().wants_signatures);
  };
  with_server(script, validating, {.validates = true});
  with_server(script, [](dns::Resolver& resolver, testing::DnsServer& server) {
    CHECK(!resolver.addresses("host.example", Families::ipv4, soon()).is_validated);
    CHECK(!server.asked().front().wants_signatures);
  });
}

TEST_CASE("a probe must be a type and a name") {
  for (const char* const probe : {"foo", "foo:example", "a:"}) {
    CHECK(!dns::Resolver::open({.servers = "127.0.0.1:9", .hosts_file = "/nonexistent", .validates = true, .probe = probe}));
  }
}

TEST_CASE("a truncated answer is asked for again over TCP") {
  with_server(
      [](const DnsQuestion& question) {
        if (!question.over_tcp) return DnsReply(question).truncated().packet();
        DnsReply reply(question);
        for (unsigned i = 0; i < 90; ++i) reply.record(question.name, type_a, "\x0a\x01\x01" + std::string(1, static_cast<char>(i)));
        return reply.packet();
      },
      [](dns::Resolver& resolver, testing::DnsServer& server) {
        CHECK(resolver.addresses("many.example", Families::ipv4, soon()).records.size() == 90);
        CHECK(server.asked().back().over_tcp);
      });
}

TEST_CASE("garbage over TCP is a temporary failure") {
  with_server(
      [](const DnsQuestion& question) -> std::optional<std::string> {
        if (!question.over_tcp) return DnsReply(question).truncated().packet();
        return std::string(500, '\xff');
      },
      [](dns::Resolver& resolver, testing::DnsServer&) {
        // c-ares 1.18 asks again, 1.34 gives up at once.
        const Status status = resolver.addresses("many.example", Families::ipv4, base::after(50ms)).status;
        CHECK((status == Status::temporary || status == Status::garbled));
      });
}

TEST_CASE("many fibers ask at once, and one that gives up leaves no harm") {
  with_server(
      [](const DnsQuestion& question) {
        return DnsReply(question).record(question.name, type_a, testing::dns_address("192.0.2.1")).packet();
      },
      [](dns::Resolver& resolver, testing::DnsServer&) {
        int found = 0;
        std::vector<event::FiberRef> fibers;
        for (int i = 0; i < 100; ++i) {
          fibers.push_back(*event::Loop::current().spawn("asker", [&resolver, &found, i] {
            if (resolver.addresses("host" + std::to_string(i) + ".example", Families::ipv4, soon())) ++found;
          }));
        }
        event::yield();
        for (std::size_t i = 0; i < 10; ++i) fibers[i].cancel();
        for (const auto& fiber : fibers) {
          while (fiber.is_running()) event::sleep_until(base::after(1ms));
        }
        CHECK(found == 90);
      });
}

TEST_CASE("the hosts file") {
  const dns::Hosts hosts = dns::Hosts::parse(
      "127.0.0.1 localhost Alias # comment other\n"
      "::1\tlocalhost ip6-localhost\n"
      "# 192.0.2.9 not-there\n"
      "nonsense\n"
      "192.0.2.1\n"
      "127.0.0.1 localhost second\n");
  CHECK(texts_of(hosts.addresses("LOCALHOST")) == std::vector<std::string>{"127.0.0.1", "::1"});
  CHECK(texts_of(hosts.addresses("alias")) == std::vector<std::string>{"127.0.0.1"});
  CHECK(hosts.addresses("other").empty());
  CHECK(hosts.addresses("not-there").empty());
  CHECK(hosts.name(*io::Address::parse("127.0.0.1")) == "localhost");
  CHECK_FALSE(hosts.name(*io::Address::parse("192.0.2.1")));
}
