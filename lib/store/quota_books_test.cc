#include "lib/store/quota_books.h"

#include <cerrno>
#include <filesystem>

#include "lib/testing/mail_account.h"
#include "lib/testing/catch.h"

namespace store {
namespace {

struct Root {
  TestAccount test;
  Fd fd;
  Root() {
    std::filesystem::create_directories(test.root() + "new");
    fd = std::move(*open_directory({test.root(), {}}));
  }
  [[nodiscard]] std::string size_file() const { return read_text(test.root() + "maildirsize"); }
  [[nodiscard]] bool fits(std::string_view limit, std::int64_t bytes) const {
    const auto checked = quota_books.check(fd, limit, bytes);
    REQUIRE((checked || checked.error().code() == EDQUOT));
    return checked.has_value();
  }
};

TEST_CASE("a limit that is given holds, and is written down") {
  const Root root;
  CHECK(root.fits("1000S,2C", 1000));
  CHECK_FALSE(root.fits("1000S,2C", 1001));
  CHECK(root.size_file() == "1000S,2C\n0 0\n");
  REQUIRE(quota_books.note(root.fd, "1000S,2C", 600));
  CHECK(root.size_file() == "1000S,2C\n0 0\n600 1\n");
  CHECK(root.fits("1000S,2C", 400));
}

TEST_CASE("else the one in maildirsize does, if there is such a file") {
  const Root root;
  CHECK(root.fits("", 1 << 30));
  REQUIRE(quota_books.note(root.fd, "", 600));
  CHECK_FALSE(std::filesystem::exists(root.test.root() + "maildirsize"));
  write_text(root.test.root() + "maildirsize", "1000S\n0 0\n");
  CHECK(root.fits("", 1000));
  CHECK_FALSE(root.fits("", 1001));
  CHECK(root.fits("0", 1001));
  REQUIRE(quota_books.note(root.fd, "", 600));
  CHECK(root.size_file() == "1000S\n0 0\n600 1\n");
}

TEST_CASE("a Maildir that is not there yet is empty") {
  CHECK(quota_books.check(Fd(), "100S", 100));
  CHECK(quota_books.check(Fd(), "100S", 101).error().code() == EDQUOT);
  CHECK(quota_books.check(Fd(), "", 1 << 30));
}

TEST_CASE("who may have how much") {
  maps::Tables tables({});
  const auto rules = QuotaRules::open(tables, "1G", "inline:{ {alice=5C} {box@hosted.example=10M,5C} {@all.example=0} {bad=x} }", {"+", true});
  REQUIRE(rules);
  CHECK(rules->of("alice").value() == "5C");
  CHECK(rules->of("bob").value() == "1G");
  CHECK(rules->of("Box+ext@hosted.example").value() == "10M,5C");
  CHECK(rules->of("any@all.example").value() == "0");
  CHECK(rules->of("alice", "*:storage=1G").value() == "*:storage=1G");
  CHECK(rules->of("alice", "much").error().message() == "quota_rule: \"much\" is no quota");
  CHECK(rules->of("bad").error().message() == "mail_quota_maps: \"x\" is no quota");
  CHECK(QuotaRules::open(tables, "ten", "").error().message() == "mail_quota: \"ten\" is no quota");
}

}  // namespace
}  // namespace store
