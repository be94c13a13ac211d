#include "virtual/target.h"

#include "lib/testing/catch.h"

namespace virtual_agent {
namespace {

Tables make(const std::string& boxes, const std::string& uids = "static:1001", const std::string& gids = "static:8") {
  static std::vector<std::unique_ptr<maps::Tables>> kept;
  kept.push_back(std::make_unique<maps::Tables>(maps::Tables::Options{}));
  const auto open = [&](const std::string& value) {
    auto opened = maps::Maps::open(*kept.back(), "test", value, maps::Flags::fold_keys);
    REQUIRE(opened);
    return *opened;
  };
  return {open(boxes), open(uids), open(gids), {"+"}, 100};
}

TEST_CASE("where a recipient's mailbox is") {
  const Tables tables = make("inline:{ {u1@v.test = v.test/u1}, {u2@v.test = /v.test/u2/}, {u2+x@v.test = x}, {@w.test = all/} }");
  const auto u1 = find_mailbox(tables, "U1@V.test");
  REQUIRE(u1);
  REQUIRE(u1->path == "v.test/u1");
  REQUIRE_FALSE(u1->is_maildir);
  REQUIRE(u1->owner == mailbox::Identity{1001, 8});
  const auto u2 = find_mailbox(tables, "u2+ext@v.test");
  REQUIRE(u2->path == "v.test/u2");
  REQUIRE(u2->is_maildir);
  REQUIRE(find_mailbox(tables, "u2+x@v.test")->path == "x");
  REQUIRE(find_mailbox(tables, "anyone@w.test")->path == "all");
  REQUIRE(find_mailbox(tables, "nobody@v.test").error().refusal == Refusal::unknown);
}

TEST_CASE("what the tables may not say") {
  const auto refused = [](const Tables& tables) {
    const auto box = find_mailbox(tables, "u@v.test");
    REQUIRE_FALSE(box);
    REQUIRE(box.error().refusal == Refusal::settings);
    return box.error().warning;
  };
  REQUIRE(refused(make("static:../../etc/cron.d/x")) ==
          "recipient u@v.test: \"..\" in virtual_mailbox_maps result ../../etc/cron.d/x");
  REQUIRE(refused(make("static:/")) == "recipient u@v.test: bad path in virtual_mailbox_maps");
  REQUIRE(refused(make("static:" + std::string(10'000, 'x'))) == "recipient u@v.test: bad path in virtual_mailbox_maps");
  REQUIRE(refused(make("static:u", "static:50")) == "recipient u@v.test: bad uid 50 in virtual_uid_maps");
  REQUIRE(refused(make("static:u", "static:0")) == "recipient u@v.test: bad uid 0 in virtual_uid_maps");
  REQUIRE(refused(make("static:u", "static:abc")) == "recipient u@v.test: bad uid abc in virtual_uid_maps");
  REQUIRE(refused(make("static:u", "static:-1")) == "recipient u@v.test: bad uid -1 in virtual_uid_maps");
  REQUIRE(refused(make("static:u", "static:4294967295")) == "recipient u@v.test: bad uid 4294967295 in virtual_uid_maps");
  REQUIRE(refused(make("static:u", "inline:{x=y}")) == "recipient u@v.test: not found in virtual_uid_maps");
  REQUIRE(refused(make("static:u", "static:1001", "static:0")) == "recipient u@v.test: bad gid 0 in virtual_gid_maps");
  REQUIRE(find_mailbox(make("fail:x"), "u@v.test").error().refusal == Refusal::failure);
}

}  // namespace
}  // namespace virtual_agent
