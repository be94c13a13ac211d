#include "qmgr/transport.h"

#include "lib/testing/catch.h"

using namespace std::chrono_literals;
using qmgr::Destination;
using qmgr::Transport;

namespace {

const Deadline start = Deadline(1000s);

std::unique_ptr<Transport> make(std::string_view service, std::string_view main_cf, int process_limit = 0) {
  const auto main = config::Main::parse(main_cf, "/etc/postfix");
  REQUIRE(main.has_value());
  auto made = Transport::make(std::string(service), *main, process_limit);
  REQUIRE(made.has_value());
  return std::move(*made);
}

Destination& put(Transport& transport, const std::string& nexthop, int batches = 1, const std::string& recipient = "a@example.com") {
  Destination& destination = transport.destination(nexthop, recipient);
  for (; batches > 0; --batches) {
    qmgr::Batch batch;
    batch.recipients.push_back({.offset = 1, .address = recipient});
    transport.add(destination, std::move(batch));
  }
  return destination;
}

// Starts the next delivery; the destination's name, or empty when none may start.
std::string start_next(Transport& transport, Deadline now = start) {
  Destination* const destination = transport.next_ready(now);
  if (destination == nullptr) return {};
  static_cast<void>(destination->take());
  transport.started(*destination, now);
  return destination->name();
}

std::vector<std::string> start_all(Transport& transport, Deadline now = start) {
  std::vector<std::string> names;
  for (;;) {
    std::string name = start_next(transport, now);
    if (name.empty()) return names;
    names.push_back(std::move(name));
  }
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
    CHECK(transport->limits().initial_concurrency == vector.initial);
    CHECK(transport->limits().concurrency_limit == vector.concurrency);
    CHECK(transport->limits().recipient_limit == vector.recipients);
  }
  const auto main = config::Main::parse("smtp_destination_rate_delay = soon\n", "/etc/postfix");
  CHECK_FALSE(Transport::make("smtp", *main, 0).has_value());
}

TEST_CASE("destinations take turns") {
  const auto transport = make("smtp", "");
  put(*transport, "a", 3);
  put(*transport, "b");
  put(*transport, "c", 2);
  CHECK(start_all(*transport) == std::vector<std::string>{"a", "b", "c", "a", "c", "a"});
}

TEST_CASE("a destination at its own limit is passed over, and loses nothing") {
  const auto transport = make("smtp", "smtp_destination_concurrency_limit = 1\n");
  Destination& a = put(*transport, "a", 3);
  put(*transport, "b");
  CHECK(start_all(*transport) == std::vector<std::string>{"a", "b"});
  a.succeeded();
  transport->ended(a, start);
  CHECK(start_all(*transport) == std::vector<std::string>{"a"});
}

TEST_CASE("a transport runs no more deliveries than its service serves") {
  const auto transport = make("smtp", "", 2);
  Destination& a = put(*transport, "a", 2);
  put(*transport, "b");
  CHECK(start_all(*transport) == std::vector<std::string>{"a", "b"});
  transport->ended(a, start);
  CHECK(start_all(*transport) == std::vector<std::string>{"a"});
}

TEST_CASE("with a recipient limit of one each recipient is a destination") {
  const auto transport = make("local", "");
  Destination& anna = put(*transport, "mail.example.com", 1, "anna@example.com");
  Destination& bert = put(*transport, "mail.example.com", 1, "bert@example.com");
  CHECK(&anna != &bert);
  CHECK(anna.name() == "anna@example.com");
  CHECK(anna.nexthop() == "mail.example.com");
  CHECK(&anna == &transport->destination("mail.example.com", "anna@example.com"));
}

TEST_CASE("a suspended transport starts nothing until its time, or a flush") {
  const auto transport = make("smtp", "");
  put(*transport, "a");
  transport->suspend(start + 60s);
  CHECK(start_next(*transport).empty());
  CHECK(transport->next_start(start) == start + 60s);
  SECTION("time") { CHECK(start_next(*transport, start + 60s) == "a"); }
  SECTION("flush") {
    transport->revive();
    CHECK(start_next(*transport) == "a");
  }
}

TEST_CASE("the next start by the clock is that of the first destination that waits for it") {
  const auto transport = make("smtp", "smtp_destination_rate_delay = 10s\n");
  CHECK(transport->next_start(start) == base::no_deadline);
  put(*transport, "a", 2);
  CHECK(start_next(*transport, start) == "a");
  put(*transport, "b", 2);
  CHECK(start_next(*transport, start + 3s) == "b");
  CHECK(start_next(*transport, start + 3s).empty());
  CHECK(transport->next_start(start + 3s) == start + 10s);
}

TEST_CASE("what waited for a destination that died leaves the line, and comes back once") {
  const auto transport = make("smtp", "smtp_destination_concurrency_limit = 1\n", 1);
  Destination& other = put(*transport, "other");
  CHECK(start_next(*transport) == "other");
  // The transport is at its limit: nobody looks at the line meanwhile.
  for (int i = 0; i < 3; ++i) {
    Destination& dead = put(*transport, "dead");
    CHECK(dead.take_all().size() == 1);
  }
  put(*transport, "dead", 2);
  put(*transport, "other", 2);
  transport->ended(other, start);
  std::vector<std::string> order;
  for (std::string name = start_next(*transport); !name.empty(); name = start_next(*transport)) {
    transport->ended(transport->destination(name, "a@example.com"), start);
    order.push_back(std::move(name));
  }
  CHECK(order == std::vector<std::string>{"other", "dead", "other", "dead"});
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
      put(*transport, "site" + std::to_string(i));
      Destination* const site = transport->next_ready(now);
      REQUIRE(site != nullptr);
      static_cast<void>(site->take());
      transport->started(*site, now);
      if (vector.fails) {
        CHECK(site->failed(now, 100s, "4.4.1", "connection refused"));
      } else {
        site->succeeded();
      }
      transport->ended(*site, now);
    }
    CHECK(transport->destinations() < sites / 2);
  }
}
