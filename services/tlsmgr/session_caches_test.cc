#include "services/tlsmgr/session_caches.h"

#include "lib/event/loop.h"
#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

using std::chrono_literals::operator""s;
using tlsmgr::SessionCaches;

namespace {

class TestClock : public base::Clock {
 public:
  [[nodiscard]] Stamp stamp() const override { return Stamp(1'000'000s) + passed; }
  std::chrono::seconds passed{0};
};

}  // namespace

TEST_CASE("a session is found in its cache, under its id, until its time is over") {
  const testing::TemporaryDirectory directory;
  TestClock clock;
  maps::Tables tables(maps::Tables::Options{});
  const std::string file = "btree:" + directory.path() + "scache";
  const auto caches = SessionCaches::open(tables, {{"smtp", file, 100s}, {"lmtp", file, 10s}, {"none", "", 100s}}, nullptr, clock);
  event::Loop loop;
  bool is_done = false;
  REQUIRE(loop.spawn("test", [&] {
    caches->keep("smtp", "a", "QUJD");
    CHECK(caches->find("smtp", "a") == "QUJD");
    CHECK(caches->find("smtp", "b").empty());
    CHECK(caches->find("other", "a").empty());
    caches->keep("none", "a", "QUJD");
    CHECK(caches->find("none", "a").empty());
    caches->keep("smtp", std::string(maps::cache_key_limit + 1, 'x'), "QUJD");
    CHECK(caches->find("smtp", std::string(maps::cache_key_limit + 1, 'x')).empty());
    caches->keep("smtp", "long", std::string(tlsmgr::session_limit + 1, 'x'));
    CHECK(caches->find("smtp", "long").empty());
    caches->keep("smtp", "a", "REVG");
    CHECK(caches->find("smtp", "a") == "REVG");
    caches->keep("smtp", "c", "QUJD");
    caches->drop("smtp", "c");
    CHECK(caches->find("smtp", "c").empty());
    clock.passed = 99s;
    CHECK(caches->find("smtp", "a") == "REVG");
    clock.passed = 100s;
    CHECK(caches->find("smtp", "a").empty());
    caches->close();
    is_done = true;
  }));
  loop.run_until([&] { return is_done; });
}
