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

TEST_CASE("what is known of the clock outlives the process") {
  Machine machine;
  const Stamp arrived = machine.wall;
  machine.set(Days(400));
  const std::string kept = machine.jumps.saved("boot");
  // A jump of an earlier process, and one while none ran.
  ClockJumps next = ClockJumps::restored(kept, "boot", machine.wall + minute, machine.steady + minute);
  CHECK(next.age(arrived) == 2 * minute);
  next = ClockJumps::restored(kept, "boot", machine.wall + Days(20), machine.steady + minute);
  CHECK(next.age(arrived) == 2 * minute);
  CHECK(next.age(machine.wall) <= 2 * minute);
  next = ClockJumps::restored(kept, "boot", machine.wall - Days(400), machine.steady + minute);
  CHECK(next.age(arrived) <= 2 * minute);
  // Days that passed while it did not run are days.
  next = ClockJumps::restored(kept, "boot", machine.wall + Days(3), machine.steady + Days(3));
  CHECK(next.age(arrived) == minute + Days(3));
  // A machine that was off: nobody knows for how long.
  next = ClockJumps::restored(kept, "another", machine.wall + Days(9), Deadline(minute));
  CHECK(next.age(arrived) <= 2 * minute);
}

TEST_CASE("a memory that does not parse says nothing") {
  const Machine machine;
  for (const std::string_view text : {"", "x", "boot", "boot 1", "boot 1 x\n", "boot 99999999999999999999 1\n", "boot 1 2 3\n"}) {
    const ClockJumps jumps = ClockJumps::restored(text, "boot", machine.wall, machine.steady);
    CHECK(jumps.age(machine.wall - Days(3)) == Days(3));
  }
}

}  // namespace
}  // namespace qmgr
