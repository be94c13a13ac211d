#include "smtp/generic.h"

#include "lib/testing/catch.h"

namespace smtp {
namespace {

struct World {
  maps::Tables tables{maps::Tables::Options{.config_directory = {}, .default_database_type = "hash"}};
  GenericMaps maps;

  explicit World(std::string_view entries, bool propagates = false)
      : maps(maps::Maps::open(tables, "smtp_generic_maps", entries, maps::Flags::fold_keys).value(),
             maps::MatchList::parse(tables, "mydestination", "here.test", maps::ListKind::string, false).value(),
             [](const std::string& external) -> Result<std::string> {
               return external.contains('@') ? external : external + "@origin.test";
             },
             {.delimiters = {"+"}, .myorigin = "origin.test", .propagates = propagates}) {}

  // The content with its header mapped, a line for each.
  std::vector<std::string> through(const std::vector<std::string>& content) {
    GenericHeader header(maps);
    std::vector<GenericHeader::Line> lines;
    for (const std::string& line : content) header.write(line, true, lines);
    header.finish(lines);
    CHECK_FALSE(header.failure());
    std::vector<std::string> out;
    for (const auto& line : lines) out.push_back(line.text);
    return out;
  }
};

constexpr std::string_view entries =
    "inline:{{joe@here.test=joe@isp.test}, {bob=robert}, {@sub.test=us@isp.test}, {joe@isp.test=twice@isp.test}, {many@here.test=a@x.test, b@x.test}, {none@here.test=(no one)}}";

}  // namespace

TEST_CASE("an address is mapped once, by its long form, its short one, or its domain") {
  const World world(entries);
  CHECK(world.maps.map("joe@here.test").value() == "joe@isp.test");
  CHECK(world.maps.map("joe+x@here.test").value() == "joe@isp.test");
  CHECK(world.maps.map("bob@here.test").value() == "robert@origin.test");
  CHECK(world.maps.map("bob@away.test").value() == "bob@away.test");
  CHECK(world.maps.map("any@sub.test").value() == "us@isp.test");
  CHECK(world.maps.map("many@here.test").value() == "a@x.test");
  CHECK(world.maps.map("").value().empty());
  CHECK(world.maps.map("none@here.test").error().message() ==
        "smtp_generic_maps lookup of none@here.test returns non-address result \"(no one)\"");
  CHECK(World(entries, true).maps.map("joe+x@here.test").value() == "joe+x@isp.test");
}

TEST_CASE("addresses of the header are mapped, what has none and the body stay as they are") {
  World world(entries);
  CHECK(world.through({"From: Joe <joe@here.test>", "To: x@y.test,", "\tbob@here.test (Bob)", "Subject: joe@here.test", "", "From: joe@here.test"}) ==
        std::vector<std::string>{"From: Joe <joe@isp.test>", "To: x@y.test, robert@origin.test (Bob)", "Subject: joe@here.test", "", "From: joe@here.test"});
  CHECK(world.through({"To:  x@y.test ,", "\tz@y.test"}) == std::vector<std::string>{"To:  x@y.test ,", "\tz@y.test"});
}

TEST_CASE("a table that cannot be asked stops the message") {
  const World world("fail:x");
  CHECK_FALSE(world.maps.map("joe@here.test"));
  GenericHeader header(world.maps);
  std::vector<GenericHeader::Line> lines;
  header.write("From: joe@here.test", true, lines);
  header.write("", true, lines);
  CHECK(header.failure());
}

}  // namespace smtp
