#include "lib/event/timers.h"

#include <random>
#include <vector>

#include "lib/testing/catch.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Probe final : event::Timer {
  void due(Deadline now) override { fired.push_back(now); }
  std::vector<Deadline> fired;
};

Deadline at(int second) { return Deadline(std::chrono::seconds(second)); }

}  // namespace

TEST_CASE("timers come due in order, whatever the order of setting, moving and removing") {
  std::mt19937 random(1);
  event::Timers timers;
  std::vector<Probe> probes(200);
  std::vector<int> wanted(probes.size());
  for (int round = 0; round < 2000; ++round) {
    const std::size_t i = random() % probes.size();
    wanted[i] = static_cast<int>(random() % 1000);
    if (wanted[i] == 0) timers.remove(probes[i]);
    else timers.set(probes[i], at(wanted[i]));
  }
  for (int second = 1; second <= 1000; ++second) timers.run(at(second));
  for (std::size_t i = 0; i < probes.size(); ++i) {
    if (wanted[i] == 0) CHECK(probes[i].fired.empty());
    else CHECK(probes[i].fired == std::vector<Deadline>{at(wanted[i])});
  }
  CHECK(timers.first() == base::no_deadline);
}

TEST_CASE("a timer that may come no later keeps an earlier place and leaves a later one") {
  event::Timers timers;
  Probe probe;
  timers.set_no_later(probe, at(50));
  timers.set_no_later(probe, at(70));
  CHECK(timers.first() == at(50));
  timers.set_no_later(probe, at(20));
  CHECK(timers.first() == at(20));
  timers.remove(probe);
  timers.remove(probe);
  CHECK(timers.first() == base::no_deadline);
}
