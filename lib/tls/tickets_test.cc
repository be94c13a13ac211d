#include "lib/tls/tickets.h"

#include "lib/testing/catch.h"

using std::chrono_literals::operator""s;
using tls::TicketKey;
using tls::TicketKeys;

namespace {

constexpr base::Deadline start{1000s};

TicketKey key(unsigned char name) {
  TicketKey out;
  out.name.fill(name);
  return out;
}

}  // namespace

TEST_CASE("the first key seals while it is fresh, and both open") {
  TicketKeys keys(100s);
  CHECK(keys.are_due(start));
  CHECK(keys.sealing(start) == nullptr);
  keys.take(std::array{key(2), key(1)}, 50s, start);
  CHECK(keys.sealing(start + 49s)->name == key(2).name);
  CHECK(keys.opening(key(1).name, start + 49s)->name == key(1).name);
  CHECK(keys.opening(key(2).name, start + 49s)->name == key(2).name);
  CHECK(!keys.are_due(start + 49s));
  CHECK(keys.sealing(start + 50s) == nullptr);
  CHECK(keys.are_due(start + 50s));
}

TEST_CASE("of many that need keys one asks, and not all the time") {
  TicketKeys keys(100s);
  CHECK(keys.are_due(start));
  CHECK(!keys.are_due(start));
  CHECK(!keys.are_due(start + 9s));
  CHECK(keys.are_due(start + 10s));
}

TEST_CASE("keys that nobody renews end") {
  TicketKeys keys(100s);
  keys.take(std::array{key(1)}, 50s, start);
  CHECK(keys.are_due(start + 50s));
  CHECK(keys.opening(key(1).name, start + 50s) == nullptr);
}

TEST_CASE("an unknown key makes us ask, but made-up ones do not make us ask all the time") {
  TicketKeys keys(100s);
  keys.take(std::array{key(1)}, 50s, start);
  CHECK(keys.opening(key(7).name, start + 1s) == nullptr);
  CHECK(!keys.are_due(start + 1s));
  CHECK(keys.are_due(start + 10s));
  CHECK(keys.opening(key(1).name, start + 10s) != nullptr);
  keys.take(std::array{key(7), key(1)}, 50s, start + 10s);
  CHECK(keys.opening(key(7).name, start + 11s) != nullptr);
}

TEST_CASE("with a lifetime of 0 nobody asks") {
  TicketKeys keys(0s);
  CHECK(!keys.are_due(start));
}
