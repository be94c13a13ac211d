#include "services/flush/pace.h"
#include "services/flush/site_logs.h"

#include <fstream>
#include <sstream>

#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

using flush::Pace;
using flush::SiteLogs;
using std::chrono_literals::operator""s;

namespace {

queue::QueueId id(std::string_view text) { return *queue::QueueId::parse(text); }

struct World {
  testing::TemporaryDirectory directory;
  SiteLogs logs{directory.path()};

  [[nodiscard]] std::string content(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(directory.path() + name).rdbuf();
    return text.str();
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(directory.path() + name, std::ios::app) << text;
  }
  std::vector<std::string> take(const std::string& name) {
    std::vector<std::string> out;
    const auto ids = logs.take(name, [](const queue::QueueId&) { return false; });
    REQUIRE(ids.has_value());
    for (const auto& one : *ids) out.push_back(one.text());
    return out;
  }
};

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("a site's file has Postfix's name") {
  CHECK(flush::file_name("Sub.Relayed.Example") == "sub_relayed_example");
  CHECK(flush::file_name("a-b_c.example") == "a_b_c_example");
  CHECK(flush::file_name("../../etc/passwd") == "______etc_passwd");
}

TEST_CASE("ids are listed once, and taken in order") {
  World world;
  for (const char* text : {"0B5EF08C41", "1A49848F", "0B5EF08C41"}) REQUIRE(world.logs.add("a_example", id(text)));
  CHECK(world.content("a_example") == "0B5EF08C41\n1A49848F\n");
  CHECK(world.logs.has_entries("a_example"));
  CHECK((world.take("a_example") == Ids{"0B5EF08C41", "1A49848F"}));
  CHECK(world.content("a_example").empty());
  CHECK_FALSE(world.logs.has_entries("a_example"));
  REQUIRE(world.logs.add("a_example", id("0B5EF08C41")));
  CHECK(world.content("a_example") == "0B5EF08C41\n");
}

TEST_CASE("what another process has written is neither lost nor believed to be ours") {
  World world;
  REQUIRE(world.logs.add("a_example", id("0B5EF08C41")));
  world.write("a_example", "1A49848F\n");
  REQUIRE(world.logs.add("a_example", id("0B5EF08C41")));
  SiteLogs other(world.directory.path());
  REQUIRE(other.take("a_example", [](const queue::QueueId&) { return false; })->size() == 2);
  REQUIRE(world.logs.add("a_example", id("0B5EF08C41")));
  CHECK(world.content("a_example") == "0B5EF08C41\n");
}

TEST_CASE("torn and foreign lines are passed over, duplicates are one") {
  World world;
  world.write("a_example", "0B5EF08C41\n\n../x\n" + std::string(5000, 'A') + "\n0B5EF08C41\n4jYSZT66fcz2ZKq\n1A49");
  CHECK((world.take("a_example") == Ids{"0B5EF08C41", "4jYSZT66fcz2ZKq"}));
}

TEST_CASE("ids of mail that is being tried stay") {
  World world;
  REQUIRE(world.logs.add("a_example", id("0B5EF08C41")));
  REQUIRE(world.logs.add("a_example", id("1A49848F")));
  const auto ids = world.logs.take("a_example", [](const queue::QueueId& one) { return one.text() == "1A49848F"; });
  REQUIRE(ids->size() == 1);
  CHECK(world.content("a_example") == "1A49848F\n");
}

TEST_CASE("lists are told apart by what is in them, and only empty ones are removed") {
  World world;
  REQUIRE(world.logs.add("a_example", id("0B5EF08C41")));
  REQUIRE(world.logs.add("b_example", id("1A49848F")));
  CHECK(world.take("b_example").size() == 1);
  CHECK(world.take("nosuch_example").empty());
  const auto entries = world.logs.list();
  REQUIRE(entries->size() == 2);
  for (const auto& entry : *entries) {
    CHECK(entry.is_empty == (entry.name == "b_example"));
    CHECK(world.logs.remove_empty(entry.name).has_value());
  }
  REQUIRE(world.logs.list()->size() == 1);
  CHECK(world.content("a_example") == "0B5EF08C41\n");
  CHECK(world.logs.remove_empty("b_example").has_value());
}

TEST_CASE("a flood of requests makes one pass per interval (H05)") {
  Pace pace;
  Deadline now(1000s);
  CHECK(pace.ask("a", now) == Pace::Turn::now);
  CHECK(pace.ask("b", now) == Pace::Turn::now);
  CHECK(pace.ask("a", now + 1s) == Pace::Turn::later);
  CHECK(pace.due("a") == now + Pace::interval);
  for (int i = 0; i < 100; ++i) CHECK(pace.ask("a", now + 2s) == Pace::Turn::waits_already);
  now = pace.due("a");
  pace.began("a", now);
  CHECK(pace.ask("a", now + 1s) == Pace::Turn::later);
  pace.began("a", now + Pace::interval);
  CHECK(pace.ask("a", now + 3 * Pace::interval) == Pace::Turn::now);
}
