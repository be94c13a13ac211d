#include "qmgr/intake.h"

#include <cerrno>
#include <vector>

#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

namespace qmgr {
namespace {

using queue::Queue;
using queue::QueueId;

constexpr std::chrono::seconds patience{10};

struct World {
  explicit World(std::size_t active_limit)
      : intake(layout, base::system_clock(), {active_limit, patience}, [this](const QueueId& id, Queue, Why why) {
          entered.push_back(id.text() + (why == Why::demanded ? "!" : why == Why::taken_in ? "*" : ""));
          news.notify();
          return outcome;
        }) {
    intake.start();
  }
  ~World() { loop.cancel_all(base::after(patience)); }

  // Runs until so many have entered; those who wait for room stay out.
  std::vector<std::string> enter(std::size_t count) {
    const auto fiber = loop.spawn("test", [this, count] {
      while (entered.size() < count && news.wait(base::after(patience))) {
      }
      for (int turns = 0; turns < 3; ++turns) event::yield();
      loop.stop();
    });
    REQUIRE(fiber);
    loop.run();
    return entered;
  }

  testing::TemporaryDirectory directory;
  queue::Layout layout{directory.path(), "", 1};
  event::Loop loop;
  event::Notify news;
  std::vector<std::string> entered;
  Result<void> outcome;
  Intake intake;
};

QueueId id(const char* text) { return *QueueId::parse(text); }

TEST_CASE("new mail enters before old, and old mail one after each") {
  World world(100);
  for (const char* text : {"D0D0D01", "D0D0D02"}) world.intake.demand(id(text));
  for (const char* text : {"A0A0A01", "A0A0A02", "A0A0A03"}) world.intake.add_incoming(id(text));
  REQUIRE(world.enter(5) == std::vector<std::string>{"A0A0A01", "D0D0D02!", "A0A0A02", "D0D0D01!", "A0A0A03"});
}

TEST_CASE("a message is new by its notice, unless it is known already") {
  World world(100);
  world.intake.add_incoming(id("A0A0A01"), Why::taken_in);
  world.intake.add_incoming(id("A0A0A02"));
  world.intake.add_incoming(id("A0A0A02"), Why::taken_in);
  REQUIRE(world.enter(2) == std::vector<std::string>{"A0A0A01*", "A0A0A02"});
  world.intake.left(id("A0A0A01"));
  world.intake.add_incoming(id("A0A0A01"));
  REQUIRE(world.enter(3).back() == "A0A0A01");
}

TEST_CASE("who is known does not enter again, and nobody without room") {
  World world(2);
  for (const char* text : {"A0A0A01", "A0A0A01", "A0A0A02", "A0A0A03"}) world.intake.add_incoming(id(text));
  REQUIRE(world.enter(2) == std::vector<std::string>{"A0A0A01", "A0A0A02"});
  world.intake.demand(id("A0A0A01"));
  world.intake.left(id("A0A0A01"));
  REQUIRE(world.enter(3).back() == "A0A0A03");
  world.intake.left(id("A0A0A02"));
  world.intake.add_incoming(id("A0A0A01"));
  REQUIRE(world.enter(4).back() == "A0A0A01");
}

TEST_CASE("what is in use is looked at again, what is gone is forgotten") {
  World world(1);
  world.outcome = base::fail("in use", EBUSY);
  world.intake.add_incoming(id("A0A0A01"));
  world.enter(1);
  world.outcome = base::fail("gone", ENOENT);
  REQUIRE(world.enter(2).back() == "A0A0A01");
  world.intake.add_incoming(id("A0A0A01"));
  REQUIRE(world.enter(3).back() == "A0A0A01");
}

}  // namespace
}  // namespace qmgr
