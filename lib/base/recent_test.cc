#include "lib/base/recent.h"

#include "lib/testing/catch.h"

namespace base {
namespace {

class TestClock : public Clock {
 public:
  [[nodiscard]] Deadline now() const override { return time; }
  Deadline time{};
};

TEST_CASE("an answer is kept for its lifetime") {
  TestClock clock;
  Recent<int> recent(clock);
  REQUIRE(recent.find("a") == nullptr);
  recent.keep("a", 1);
  recent.keep("a", 2);
  clock.time += Recent<int>::lifetime - std::chrono::milliseconds(1);
  REQUIRE(recent.find("a") != nullptr);
  REQUIRE(*recent.find("a") == 2);
  REQUIRE(recent.find("b") == nullptr);
  clock.time += std::chrono::milliseconds(1);
  REQUIRE(recent.find("a") == nullptr);
}

TEST_CASE("too many answers are forgotten together") {
  const TestClock clock;
  Recent<std::size_t> recent(clock);
  for (std::size_t i = 0; i < Recent<std::size_t>::limit; ++i) recent.keep(std::to_string(i), i);
  REQUIRE(recent.find("0") != nullptr);
  recent.keep("one more", 1);
  REQUIRE(recent.find("0") == nullptr);
  REQUIRE(recent.find("one more") != nullptr);
}

}  // namespace
}  // namespace base
