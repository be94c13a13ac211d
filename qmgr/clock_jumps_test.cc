#include "qmgr/clock_jumps.h"

#include "lib/testing/catch.h"

namespace qmgr {
namespace {

using Days = std::chrono::days;
constexpr std::chrono::minutes minute{1};

// A machine with both clocks.
struct Machine {
  Stamp wall{std::chrono::hours(24 * 20000)};
  Deadline steady{std::chrono::hours(5)};
  ClockJumps jumps{wall, steady};

  void pass(std::chrono::minutes time) {
    wall += time;
    steady += time;
    jumps.look(wall, steady);
  }
  void set(Stamp::duration by) {
    wall += by;
    pass(minute);
  }
};

TEST_CASE("without a jump an age is what the clock says") {
  Machine machine;
  const Stamp arrived = machine.wall;
  machine.pass(Days(6));
  CHECK(machine.jumps.age(arrived) == Days(6));
}

TEST_CASE("what the clock leaps over is no age, for what was there before") {
  Machine machine;
  const Stamp before = machine.wall;
  machine.pass(minute);
  machine.set(Days(400));
  CHECK(machine.jumps.age(before) == 2 * minute);
  const Stamp after = machine.wall;
  machine.pass(Days(6));
  CHECK(machine.jumps.age(after) == Days(6));
  CHECK(machine.jumps.age(before) == Days(6) + 2 * minute);
}

TEST_CASE("a jump that is taken back was none") {
  Machine machine;
  const Stamp arrived = machine.wall;
  for (const auto by : {Days(400), Days(-3650)}) {
    machine.set(by);
    machine.set(-by);
  }
  CHECK(machine.jumps.age(arrived) == 4 * minute);
}

TEST_CASE("a small jump back later takes none of a large one back") {
  Machine machine;
  machine.set(Days(400));
  machine.pass(Days(30));
  const Stamp arrived = machine.wall;
  machine.set(-2 * minute);
  machine.pass(Days(6));
  CHECK(machine.jumps.age(arrived) == Days(6) - minute);
}

TEST_CASE("a clock that is set right little by little does not jump") {
  Machine machine;
  const Stamp arrived = machine.wall;
  for (int i = 0; i < 100; ++i) machine.set(std::chrono::seconds(30));
  CHECK(machine.jumps.age(arrived) == 100 * (minute + std::chrono::seconds(30)));
}

}  // namespace
}  // namespace qmgr
