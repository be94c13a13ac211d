#include "lib/maps/expiring_cache.h"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include "lib/event/test_fibers.h"
#include "lib/maps/index_builder.h"
#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

using maps::ExpiringCache;
using maps::Tables;
using std::chrono_literals::operator""s;

namespace {

// The module is where the build has it, if lmdb was there.
const std::string modules = "lib/maps/modules";

std::vector<std::string> types() {
  std::vector<std::string> names{"hash", "btree"};
  if (std::filesystem::exists(modules + "/valija-lmdb.so")) names.emplace_back("lmdb");
  return names;
}

std::string file_of(const std::string& type, const std::string& name) { return name + (type == "lmdb" ? ".lmdb" : ".db"); }

struct World {
  testing::TemporaryDirectory directory;
  std::string name = directory.path() + "cache";
  Tables tables{options()};

  static Tables::Options options() {
    Tables::Options made{.config_directory = {}, .default_database_type = "hash"};
    made.modules.shlib_directory = std::filesystem::absolute(modules);
    return made;
  }
  // Many entries, brought to disk at once: a cache syncs each.
  void fill(const std::string& type, int entries, const std::function<std::string(int)>& value) {
    const auto format = type == "lmdb" ? tables.index_format(type) : Result<const maps::module::IndexFormat*>(nullptr);
    REQUIRE(format);
    auto builder = maps::IndexBuilder::open(name, {.kind = *maps::index_kind(type), .format = *format});
    REQUIRE(builder);
    for (int i = 0; i < entries; ++i) REQUIRE(builder->put("key" + std::to_string(i), value(i)));
    REQUIRE(std::move(*builder).commit());
  }
  [[nodiscard]] Result<std::unique_ptr<ExpiringCache>> open(const std::string& type, Tables* other = nullptr) {
    return ExpiringCache::open(other != nullptr ? *other : tables, {.table = type + ":" + name}, nullptr, base::system_clock());
  }
};

// "-" for not found, "!" for an error.
std::string ask(ExpiringCache& cache, std::string_view key) {
  const auto found = cache.lookup(key);
  return !found ? "!" : *found ? **found : "-";
}

std::string counts(ExpiringCache& cache, const ExpiringCache::Keep& keep) {
  const auto counted = cache.clean(keep);
  return counted ? std::to_string(counted->retained) + " " + std::to_string(counted->dropped) : counted.error().message();
}

// Within a fiber, as in a daemon.
void in_fiber(const std::function<void()>& body) {
  event::Loop loop;
  event_tests::spawn(loop, body);
  event_tests::run_to_end(loop);
}

}  // namespace

TEST_CASE("a cache is made, keeps entries, and is nobody else's to read") {
  for (const std::string& type : types()) {
    INFO(type);
    World world;
    in_fiber([&] {
      {
        const auto cache = world.open(type);
        REQUIRE(cache);
        CHECK(ask(**cache, "key") == "-");
        REQUIRE((*cache)->put("key", "one"));
        REQUIRE((*cache)->put("key", "two"));
        REQUIRE((*cache)->put("other", ""));
        CHECK(ask(**cache, "key") == "two");
      }
      struct stat status{};
      REQUIRE(::stat(file_of(type, world.name).c_str(), &status) == 0);
      CHECK((status.st_mode & 07777U) == 0600);
      const auto cache = world.open(type);
      REQUIRE(cache);
      CHECK(ask(**cache, "key") == "two");
      CHECK(ask(**cache, "other").empty());
      CHECK(*(*cache)->erase("key"));
      CHECK_FALSE(*(*cache)->erase("key"));
      (*cache)->close();
      CHECK(ask(**cache, "other") == "!");
    });
  }
}

TEST_CASE("a pass takes what is of no more use, and others are served meanwhile") {
  for (const std::string& type : types()) {
    INFO(type);
    World world;
    world.fill(type, 777, [](int i) { return i % 3 == 0 ? "old" : "new"; });
    in_fiber([&] {
      const auto cache = world.open(type);
      REQUIRE(cache);
      bool is_done = false;
      std::size_t lookups = 0;
      event_tests::spawn(event::Loop::current(), [&] {
        while (!is_done) {
          CHECK(ask(**cache, "key1") == "new");
          ++lookups;
          event::yield();
        }
      });
      CHECK(counts(**cache, [](std::string_view, std::string_view value) { return value != "old"; }) == "518 259");
      is_done = true;
      CHECK(lookups > 3);
      CHECK(ask(**cache, "key776") == "new");
      CHECK(ask(**cache, "key774") == "-");
      CHECK(counts(**cache, [](std::string_view, std::string_view) { return false; }) == "0 518");
      CHECK(counts(**cache, [](std::string_view, std::string_view) { return false; }) == "0 0");
    });
  }
}

TEST_CASE("a damaged cache starts anew, when it is opened and when it is used") {
  for (const std::string& type : types()) {
    INFO(type);
    World world;
    in_fiber([&] {
      std::ofstream(file_of(type, world.name)) << std::string(10'000, 'x');
      {
        const auto cache = world.open(type);
        REQUIRE(cache);
        CHECK(ask(**cache, "key1") == "-");
        REQUIRE((*cache)->put("key1", "value"));
        CHECK(ask(**cache, "key1") == "value");
      }
      std::filesystem::remove(file_of(type, world.name));
      world.fill(type, 1000, [](int) { return std::string(500, 'v'); });
      // Pages of entries, not those that say where they are: these show when they are read.
      if (type != "lmdb") {
        std::fstream file(file_of(type, world.name), std::ios::in | std::ios::out | std::ios::binary);
        const auto size = std::filesystem::file_size(file_of(type, world.name));
        for (std::uintmax_t at = 4096 * 2; at + 4096 < size; at += 4096) file.seekp(static_cast<std::streamoff>(at + 600)).write("damage", 6);
      }
      const auto cache = world.open(type);
      REQUIRE(cache);
      if (type != "lmdb") {
        CHECK(ask(**cache, "key1") == "-");
        CHECK(ask(**cache, "key2") == "-");
      }
      REQUIRE((*cache)->put("key1", "again"));
      CHECK(ask(**cache, "key1") == "again");
      if (type != "lmdb") CHECK(counts(**cache, [](std::string_view, std::string_view) { return false; }) == "0 1");
    });
  }
}

TEST_CASE("hash and btree have one user, lmdb many") {
  for (const std::string& type : types()) {
    INFO(type);
    World world;
    in_fiber([&] {
      Tables others(World::options());
      const auto cache = world.open(type);
      REQUIRE(cache);
      REQUIRE((*cache)->put("key", "one"));
      if (type != "lmdb") {
        // The second waits until the first lets go.
        event_tests::spawn(event::Loop::current(), [&] { (*cache)->close(); });
        const auto second = world.open(type, &others);
        REQUIRE(second);
        CHECK(ask(**second, "key") == "one");
        CHECK(ask(**cache, "key") == "!");
        return;
      }
      const auto second = world.open(type, &others);
      REQUIRE(second);
      CHECK(ask(**second, "key") == "one");
      // More than the map of either has room for at first.
      for (int i = 0; i < 40; ++i) {
        REQUIRE((*cache)->put("a" + std::to_string(i), std::string(300'000, 'a')));
        REQUIRE((*second)->put("b" + std::to_string(i), std::string(300'000, 'b')));
      }
      CHECK(ask(**cache, "b39") == std::string(300'000, 'b'));
      CHECK(ask(**second, "a39") == std::string(300'000, 'a'));
    });
  }
}

TEST_CASE("passes come when the last one is old enough, and are remembered") {
  World world;
  in_fiber([&] {
    auto cache = ExpiringCache::open(world.tables, {.table = "btree:" + world.name, .cleanup_interval = 3600s}, nullptr, base::system_clock());
    REQUIRE(cache);
    REQUIRE((*cache)->put("_LAST_CACHE_CLEANUP_COMPLETED_", "1000000000"));
    REQUIRE((*cache)->put("key", "value"));
    event::Notify asked;
    (*cache)->clean_regularly([&](std::string_view key, std::string_view) {
      CHECK(key == "key");
      asked.notify();
      return false;
    });
    CHECK(asked.wait(base::after(30s)));
    while (ask(**cache, "_LAST_CACHE_CLEANUP_COMPLETED_") == "1000000000") event::yield();
    CHECK(ask(**cache, "key") == "-");
    (*cache)->close();
  });
}
