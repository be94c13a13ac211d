#include "qmgr/transport_test.h"

using std::chrono_literals::operator""s;
using qmgr::Destination;
using qmgr::Transport;
using qmgr::test::end;
using qmgr::test::make;
using qmgr::test::message;
using qmgr::test::names;
using qmgr::test::put;
using qmgr::test::start;
using qmgr::test::start_all;

namespace {

using Names = std::vector<std::string>;

std::string start_next(Transport& transport, Deadline now = start) {
  const auto next = transport.next(now);
  return next ? next->destination->name() : "";
}

}  // namespace

TEST_CASE("limits are those of the service, else the general ones") {
  struct Vector {
    const char* service;
    const char* main_cf;
    int initial, concurrency, recipients;
  };
  for (const Vector& vector : {Vector{"smtp", "", 5, 20, 50}, Vector{"local", "", 2, 2, 1},
                               Vector{"smtp", "default_destination_concurrency_limit = 7\n", 5, 7, 50},
                               Vector{"relay", "relay_destination_concurrency_limit = 3\n", 3, 3, 50},
                               Vector{"smtp", "relay_destination_concurrency_limit = 3\n", 5, 20, 50},
                               Vector{"slow", "slow_initial_destination_concurrency = 1\nslow_destination_recipient_limit = 1\n", 1, 20, 1},
                               Vector{"smtp", "smtp_destination_concurrency_limit = 0\n", 5, 0, 50}}) {
    INFO(vector.service << ": " << vector.main_cf);
    const auto transport = make(vector.service, vector.main_cf);
    CHECK(transport->limits().destination.initial_concurrency == vector.initial);
    CHECK(transport->limits().destination.concurrency_limit == vector.concurrency);
    CHECK(transport->limits().destination.recipient_limit == vector.recipients);
  }
  const auto main = config::Main::parse("smtp_destination_rate_delay = soon\n", "/etc/postfix");
  CHECK_FALSE(Transport::make("smtp", *main, 0).has_value());
}

TEST_CASE("the destinations of a message take turns, messages are served in the order of their coming") {
  const auto transport = make("smtp", "");
  const auto first = message(1), second = message(2);
  put(*transport, first, "a", 3);
  put(*transport, first, "b");
  put(*transport, second, "d");
  put(*transport, first, "c", 2);
  put(*transport, second, "a");
  CHECK(names(start_all(*transport)) == Names{"a", "b", "c", "a", "c", "a", "d", "a"});
}

TEST_CASE("a destination at its own limit is passed over, and loses nothing") {
  const auto transport = make("smtp", "smtp_destination_concurrency_limit = 1\n");
  put(*transport, message(1), "a", 3);
  put(*transport, message(2), "b");
  const auto started = start_all(*transport);
  CHECK(names(started) == Names{"a", "b"});
  end(*transport, started.front());
  CHECK(names(start_all(*transport)) == Names{"a"});
}

TEST_CASE("a transport runs no more deliveries than its service serves") {
  const auto transport = make("smtp", "", 2);
  const auto one = message(1);
  put(*transport, one, "a", 2);
  put(*transport, one, "b");
  const auto started = start_all(*transport);
  CHECK(names(started) == Names{"a", "b"});
  CHECK(transport->next_start(start) == base::no_deadline);
  end(*transport, started.front());
  CHECK(names(start_all(*transport)) == Names{"a"});
}

TEST_CASE("with a recipient limit of one each recipient is a destination") {
  const auto transport = make("local", "");
  const auto one = message(1);
  Destination& anna = put(*transport, one, "mail.example.com", 1, "anna@example.com");
  Destination& bert = put(*transport, one, "mail.example.com", 1, "bert@example.com");
  CHECK(&anna != &bert);
  CHECK(anna.name() == "anna@example.com");
  CHECK(anna.nexthop() == "mail.example.com");
  CHECK(&anna == &transport->destination("mail.example.com", "anna@example.com"));
}

TEST_CASE("a suspended transport starts nothing until its time, or a flush") {
  const auto transport = make("smtp", "");
  put(*transport, message(1), "a");
  transport->suspend(start + 60s);
  CHECK(start_next(*transport).empty());
  CHECK(transport->next_start(start) == start + 60s);
  SECTION("time") { CHECK(start_next(*transport, start + 60s) == "a"); }
  SECTION("flush") {
    transport->revive(start);
    CHECK(start_next(*transport) == "a");
  }
}

TEST_CASE("the next start by the clock is that of the first destination that waits for it") {
  const auto transport = make("smtp", "smtp_destination_rate_delay = 10s\n");
  CHECK(transport->next_start(start) == base::no_deadline);
  put(*transport, message(1), "a", 2);
  put(*transport, message(2), "b", 2);
  const auto started = start_all(*transport);
  CHECK(names(started) == Names{"a", "b"});
  CHECK(transport->next_start(start) == base::no_deadline);  // the ends come first
  end(*transport, started[0], start + 1s);
  end(*transport, started[1], start + 3s);
  CHECK(start_next(*transport, start + 3s).empty());
  CHECK(transport->next_start(start + 3s) == start + 11s);
  CHECK(names(start_all(*transport, start + 12s)) == Names{"a"});
  CHECK(transport->next_start(start + 12s) == start + 13s);
}

TEST_CASE("with a transport_rate_delay there is one delivery at a time, and a pause after each, whatever the destination") {
  const auto transport = make("smtp", "smtp_transport_rate_delay = 10s\n");
  const auto one = message(1);
  for (const char* const site : {"a", "b", "c"}) put(*transport, one, site);
  const auto first = start_all(*transport);
  CHECK(names(first) == Names{"a"});
  CHECK(transport->next_start(start) == base::no_deadline);
  end(*transport, first.front(), start + 4s);
  CHECK(start_all(*transport, start + 13s).empty());
  CHECK(transport->next_start(start + 13s) == start + 14s);
  CHECK(names(start_all(*transport, start + 14s)) == Names{"b"});
  CHECK(make("smtp", "default_transport_rate_delay = 7s\n")->limits().rate_delay == 7s);
}

TEST_CASE("what waited for a destination that died leaves the line, and what comes later stands in it once") {
  const auto transport = make("smtp", "smtp_destination_concurrency_limit = 1\n", 1);
  put(*transport, message(1), "other");
  auto running = transport->next(start);
  REQUIRE(running);
  // The transport is at its limit: nobody looks at the line meanwhile.
  for (std::uint64_t i = 2; i < 5; ++i) {
    Destination& dead = put(*transport, message(i), "dead");
    CHECK(transport->take_all(dead).size() == 1);
    CHECK_FALSE(dead.has_waiting());
  }
  CHECK(transport->recipients() == 1);
  const auto last = message(6);
  put(*transport, last, "dead", 2);
  put(*transport, last, "other", 2);
  Names order;
  while (running) {
    end(*transport, *running);
    running = transport->next(start);
    if (running) order.push_back(running->destination->name());
  }
  CHECK(order == Names{"dead", "other", "dead", "other"});
}

TEST_CASE("a transport that nobody serves gives back all that waits") {
  const auto transport = make("smtp", "");
  for (std::uint64_t i = 1; i < 4; ++i) put(*transport, message(i), "site" + std::to_string(i), 2);
  CHECK(transport->take_all().size() == 6);
  CHECK(transport->recipients() == 0);
  CHECK(start_all(*transport).empty());
}

TEST_CASE("destinations for which nothing is left are forgotten, the dead and the paced ones after their time") {
  struct Vector {
    const char* name;
    const char* main_cf;
    int process_limit;
    bool fails;
  };
  constexpr int sites = 1000;
  for (const Vector& vector : {Vector{"alive", "", 0, false}, Vector{"alive, at the process limit", "", 1, false},
                               Vector{"paced", "smtp_destination_rate_delay = 10s\n", 0, false},
                               Vector{"dead", "smtp_initial_destination_concurrency = 1\n", 0, true}}) {
    INFO(vector.name);
    const auto transport = make("smtp", vector.main_cf, vector.process_limit);
    Deadline now = start;
    for (int i = 0; i < sites; ++i, now += 1s) {
      put(*transport, message(static_cast<std::uint64_t>(i) + 1), "site" + std::to_string(i), 1, "a@example.com", now);
      const auto one = transport->next(now);
      REQUIRE(one);
      if (vector.fails) {
        CHECK(one->destination->failed(now, 100s, "4.4.1", "connection refused"));
        transport->ended(*one->destination, one->batch, now);
      } else {
        end(*transport, *one, now);
      }
    }
    CHECK(transport->destinations() < sites / 2);
    CHECK(transport->recipients() == 0);
  }
}
