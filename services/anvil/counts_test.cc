#include "services/anvil/counts.h"

#include "lib/testing/catch.h"

using anvil::Counts;
using anvil::Holder;
using ipc::AnvilEvent;

namespace {

class TestClock : public base::Clock {
 public:
  [[nodiscard]] Deadline now() const override { return Deadline(std::chrono::seconds(1000)) + passed; }
  [[nodiscard]] Stamp stamp() const override { return Stamp(std::chrono::seconds(1795503904)) + passed; }
  std::chrono::seconds passed{0};
};

const std::string a = "smtp:192.0.2.1", b = "smtp:192.0.2.2";

}  // namespace

TEST_CASE("sessions are counted per client and given back") {
  TestClock clock;
  Counts counts(std::chrono::seconds(60), clock);
  Holder holder(counts);
  CHECK(holder.count({AnvilEvent::connect, a}).count == 1);
  CHECK(holder.count({AnvilEvent::connect, a}).count == 2);
  CHECK(holder.count({AnvilEvent::connect, b}).count == 1);
  CHECK(holder.count({AnvilEvent::disconnect, a}).count == 1);
  CHECK(holder.count({AnvilEvent::lookup, a}).rate == 2);
  CHECK(holder.count({AnvilEvent::connect, a}).rate == 3);
}

TEST_CASE("what a process held is given back when its connection ends, and only that") {
  TestClock clock;
  Counts counts(std::chrono::seconds(60), clock);
  Holder lasting(counts);
  static_cast<void>(lasting.count({AnvilEvent::connect, a}));
  {
    Holder dying(counts);
    CHECK(dying.count({AnvilEvent::connect, a}).count == 2);
    CHECK(dying.count({AnvilEvent::disconnect, b}).count == 0);
    CHECK(dying.count({AnvilEvent::connect, b}).count == 1);
  }
  CHECK(lasting.count({AnvilEvent::lookup, a}).count == 1);
  CHECK(lasting.count({AnvilEvent::lookup, b}).count == 0);
}

TEST_CASE("rates begin anew with each time unit, sessions do not") {
  TestClock clock;
  Counts counts(std::chrono::seconds(60), clock);
  Holder holder(counts);
  static_cast<void>(holder.count({AnvilEvent::connect, a}));
  for (int i = 1; i <= 3; ++i) CHECK(holder.count({AnvilEvent::message, a}).rate == i);
  CHECK(holder.count({AnvilEvent::recipient, a}).rate == 1);
  clock.passed = std::chrono::seconds(59);
  CHECK(holder.count({AnvilEvent::message, a}).rate == 4);
  clock.passed = std::chrono::seconds(60);
  CHECK(holder.count({AnvilEvent::message, a}).rate == 1);
  CHECK(holder.count({AnvilEvent::lookup, a}).count == 1);
}

TEST_CASE("clients without sessions are forgotten after a time unit") {
  TestClock clock;
  Counts counts(std::chrono::seconds(60), clock);
  Holder holder(counts);
  for (int i = 0; i < 1000; ++i) static_cast<void>(holder.count({AnvilEvent::message, "smtp:" + std::to_string(i)}));
  static_cast<void>(holder.count({AnvilEvent::connect, a}));
  CHECK(counts.clients() == 1001);
  clock.passed = std::chrono::seconds(61);
  static_cast<void>(holder.count({AnvilEvent::message, b}));
  CHECK(counts.clients() == 2);
}

TEST_CASE("the peaks are told once, in Postfix's words") {
  setenv("TZ", "UTC", 1);
  TestClock clock;
  Counts counts(std::chrono::seconds(60), clock);
  Holder holder(counts);
  static_cast<void>(holder.count({AnvilEvent::connect, a}));
  static_cast<void>(holder.count({AnvilEvent::connect, a}));
  static_cast<void>(holder.count({AnvilEvent::message, b}));
  const auto lines = anvil::report(counts.take_peaks(), std::chrono::seconds(60));
  CHECK(lines == std::vector<std::string>{
                     "statistics: max connection rate 2/60s for (smtp:192.0.2.1) at Nov 24 07:05:04",
                     "statistics: max connection count 2 for (smtp:192.0.2.1) at Nov 24 07:05:04",
                     "statistics: max message rate 1/60s for (smtp:192.0.2.2) at Nov 24 07:05:04",
                     "statistics: max cache size 2 at Nov 24 07:05:04",
                 });
  CHECK(anvil::report(counts.take_peaks(), std::chrono::seconds(60)).empty());
}
