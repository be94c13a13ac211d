#include "qmgr/destination.h"

#include "lib/testing/catch.h"

using std::chrono_literals::operator""s;
using qmgr::Destination;
using qmgr::DestinationLimits;
using qmgr::Feedback;

namespace {

const Deadline start = Deadline(1000s);

// A destination for which there is always more mail, and the deliveries to it.
struct Busy {
  explicit Busy(const DestinationLimits& given) : limits(given), destination("example.com", "example.com", limits) { fill(start); }

  // Starts what may start; returns how many run.
  int fill(Deadline now) {
    for (;;) {
      if (!destination.may_start(now)) return running;
      destination.started();
      ++running;
    }
  }
  void succeed(Deadline now = start) {
    destination.succeeded();
    end(now);
  }
  bool fail(Deadline now = start) {
    const bool died = destination.failed(now, 300s, "4.4.1", "connect to mx.example.com[192.0.2.1]:25: Connection timed out");
    end(now);
    return died;
  }
  void end(Deadline now) {
    destination.ended(now);
    --running;
    fill(now);
  }

  DestinationLimits limits;
  Destination destination;
  int running = 0;
};

DestinationLimits with_feedback(std::string_view positive, std::string_view negative) {
  DestinationLimits limits;
  limits.positive = *Feedback::parse(positive);
  limits.negative = *Feedback::parse(negative);
  return limits;
}

}  // namespace

TEST_CASE("feedback is a number, a fraction, or a share of the window") {
  struct Vector {
    const char* text;
    int window;
    double expected;
  };
  for (const Vector& vector : {Vector{"1", 5, 1}, Vector{"0", 5, 0}, Vector{"0.5", 5, 0.5}, Vector{"1/8", 5, 0.125},
                               Vector{"1/concurrency", 4, 0.25}, Vector{".5 / 2", 4, 0.25},
                               Vector{"1/sqrt_concurrency", 4, 0.5}, Vector{"1 / sqrt_concurrency", 16, 0.25}}) {
    INFO(vector.text);
    const auto feedback = Feedback::parse(vector.text);
    REQUIRE(feedback);
    CHECK(feedback->at(vector.window) == vector.expected);
  }
}

TEST_CASE("what is no feedback, or more than 1, is refused") {
  for (const char* text : {"", "x", "-1", "2", "1.5", "9/8", "1/0", "1/-2", "1/x", "1/2/3", "2/concurrency", "1/concurrencyx", "inf", "nan", "1 1"}) {
    INFO(text);
    CHECK_FALSE(Feedback::parse(text));
  }
}

TEST_CASE("deliveries that succeed let more run at once, up to the limit") {
  struct Vector {
    const char* positive;
    int limit, successes, running;
  };
  for (const Vector& vector : {Vector{"1", 20, 0, 5}, Vector{"1", 20, 1, 6}, Vector{"1", 20, 10, 15}, Vector{"1", 20, 100, 20},
                               Vector{"1", 0, 100, 105}, Vector{"0", 20, 100, 5}, Vector{"1/8", 20, 7, 5}, Vector{"1/8", 20, 8, 6},
                               Vector{"1/concurrency", 20, 4, 5}, Vector{"1/concurrency", 20, 5, 6},
                               Vector{"1/sqrt_concurrency", 20, 1, 5}, Vector{"1/sqrt_concurrency", 20, 2, 6}}) {
    INFO(vector.positive << ", limit " << vector.limit << ", " << vector.successes << " successes");
    DestinationLimits limits = with_feedback(vector.positive, "1");
    limits.concurrency_limit = vector.limit;
    Busy site(limits);
    for (int i = 0; i < vector.successes; ++i) site.succeed();
    CHECK(site.running == vector.running);
  }
}

TEST_CASE("what is not used of the window does not grow") {
  const DestinationLimits limits;
  Destination site("example.com", "example.com", limits);
  for (int i = 0; i < 100; ++i) {
    site.started();
    site.succeeded();
    site.ended(start);
  }
  int running = 0;
  for (; site.may_start(start); ++running) site.started();
  CHECK(running == limits.initial_concurrency + 2);
}

TEST_CASE("failures of the next hop let fewer run at once, and one at least") {
  struct Vector {
    const char* negative;
    int failures, running;
  };
  for (const Vector& vector : {Vector{"1", 1, 3}, Vector{"1", 2, 2}, Vector{"1", 3, 1}, Vector{"1", 50, 1}, Vector{"0", 50, 5},
                               Vector{"1/8", 1, 4}, Vector{"1/8", 7, 4}, Vector{"1/8", 8, 3},
                               Vector{"1/concurrency", 3, 4}, Vector{"1/concurrency", 4, 3}}) {
    INFO(vector.negative << ", " << vector.failures << " failures");
    DestinationLimits limits = with_feedback("1", vector.negative);
    limits.failed_cohort_limit = 0;  // never dead
    Busy site(limits);
    for (int i = 0; i < vector.failures; ++i) CHECK_FALSE(site.fail());
    // What ran in a larger window goes on.
    while (site.running > vector.running) {
      site.destination.ended(start);
      --site.running;
    }
    CHECK(site.fill(start) == vector.running);
  }
}

TEST_CASE("so many rounds of failures make a destination dead") {
  struct Vector {
    int initial;
    double cohorts;
    const char* negative;
    int failures;  // the last one kills
  };
  for (const Vector& vector : {Vector{1, 1, "1", 1}, Vector{5, 1, "0", 5}, Vector{5, 1, "1", 3}, Vector{8, 1, "1", 5}, Vector{5, 2, "0", 10}, Vector{1, 3, "1", 3}}) {
    INFO("initial " << vector.initial << ", " << vector.cohorts << " rounds, " << vector.negative);
    DestinationLimits limits = with_feedback("1", vector.negative);
    limits.initial_concurrency = vector.initial;
    limits.failed_cohort_limit = vector.cohorts;
    Busy site(limits);
    for (int i = 1; i < vector.failures; ++i) REQUIRE_FALSE(site.fail());
    CHECK(site.fail());
    CHECK(site.destination.is_dead(start));
  }
}

TEST_CASE("a delivery that succeeds makes up for the failures before it") {
  DestinationLimits limits = with_feedback("0", "0");
  Busy site(limits);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 4; ++i) CHECK_FALSE(site.fail());
    site.succeed();
  }
  CHECK_FALSE(site.destination.is_dead(start));
}

TEST_CASE("a dead destination is left alone for its time, keeps the reason, and then begins afresh") {
  DestinationLimits limits;
  limits.initial_concurrency = 2;
  Busy site(limits);
  while (!site.fail()) {
  }
  CHECK(site.destination.dead_status() == "4.4.1");
  CHECK(site.destination.dead_reason() == "connect to mx.example.com[192.0.2.1]:25: Connection timed out");
  while (site.running > 0) {
    site.destination.ended(start);
    --site.running;
  }
  CHECK(site.fill(start + 299s) == 0);
  CHECK(site.fill(start + 300s) == 2);
  CHECK_FALSE(site.fail(start + 301s));
  CHECK(site.fail(start + 302s));
}

TEST_CASE("a flush revives a dead destination at once") {
  DestinationLimits limits;
  limits.initial_concurrency = 1;
  Busy site(limits);
  REQUIRE(site.fail());
  CHECK(site.running == 0);
  site.destination.revive();
  CHECK_FALSE(site.destination.is_dead(start));
  CHECK(site.fill(start) == 1);
}

TEST_CASE("a rate delay means one delivery at a time, and a pause after each") {
  DestinationLimits limits;
  limits.rate_delay = 10s;
  Busy site(limits);
  CHECK(site.running == 1);
  CHECK(site.fill(start + 25s) == 1);
  site.succeed(start + 26s);
  CHECK(site.running == 0);
  CHECK(site.destination.next_start() == start + 36s);
  CHECK_FALSE(site.destination.is_idle(start + 35s));
  CHECK(site.destination.is_idle(start + 36s));
  CHECK(site.fill(start + 35s) == 0);
  CHECK(site.fill(start + 36s) == 1);
}
