#include "services/tlsmgr/ticket_rings.h"

#include "lib/testing/catch.h"

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using tlsmgr::TicketRings;

namespace {

class TestClock : public base::Clock {
 public:
  [[nodiscard]] Deadline now() const override { return Deadline(1000s) + passed; }
  std::chrono::milliseconds passed{0};
};

auto name(const tls::TicketKey& key) { return key.name; }

}  // namespace

TEST_CASE("all processes of a service have the same keys, and no other service has them") {
  TestClock clock;
  TicketRings rings(clock);
  const auto first = rings.of("smtp", 100s), second = rings.of("smtp", 100s), other = rings.of("submission", 100s);
  CHECK(first->keys.size() == 1);
  CHECK(name(first->keys[0]) == name(second->keys[0]));
  CHECK(first->keys[0].cipher_key == second->keys[0].cipher_key);
  CHECK(first->keys[0].mac_key == second->keys[0].mac_key);
  CHECK(first->keys[0].cipher_key != first->keys[0].mac_key);
  CHECK(name(first->keys[0]) != name(other->keys[0]));
  CHECK(first->keys[0].cipher_key != other->keys[0].cipher_key);
}

TEST_CASE("a key seals for the lifetime of a ticket, and opens for as long again") {
  TestClock clock;
  TicketRings rings(clock);
  const auto first = rings.of("smtp", 100s);
  CHECK(first->fresh_for == 100s);
  clock.passed = 99'500ms;
  CHECK(rings.of("smtp", 100s)->fresh_for == 1s);
  CHECK(name(rings.of("smtp", 100s)->keys[0]) == name(first->keys[0]));
  clock.passed = 100s;
  const auto next = rings.of("smtp", 100s);
  CHECK(next->fresh_for == 100s);
  CHECK(next->keys.size() == 2);
  CHECK(name(next->keys[0]) != name(first->keys[0]));
  CHECK(name(next->keys[1]) == name(first->keys[0]));
  clock.passed = 200s;
  const auto last = rings.of("smtp", 100s);
  CHECK(last->keys.size() == 2);
  CHECK(name(last->keys[1]) == name(next->keys[0]));
}

TEST_CASE("a key that nobody has asked for since its tickets ended is gone") {
  TestClock clock;
  TicketRings rings(clock);
  CHECK(rings.of("smtp", 100s).has_value());
  clock.passed = 200s;
  CHECK(rings.of("smtp", 100s)->keys.size() == 1);
}

TEST_CASE("a shorter lifetime makes an old key end at once") {
  TestClock clock;
  TicketRings rings(clock);
  const auto first = rings.of("smtp", 1000s);
  clock.passed = 50s;
  const auto next = rings.of("smtp", 10s);
  CHECK(name(next->keys[0]) != name(first->keys[0]));
  CHECK(next->fresh_for == 10s);
}

TEST_CASE("without a lifetime, and for services without end, there are no keys") {
  TestClock clock;
  TicketRings rings(clock);
  CHECK(!rings.of("smtp", 0s).has_value());
  CHECK(!rings.of("smtp", -1s).has_value());
  for (std::size_t i = 0; i < tlsmgr::services_limit; ++i) CHECK(rings.of(std::to_string(i), 100s).has_value());
  CHECK(!rings.of("smtp", 100s).has_value());
}
