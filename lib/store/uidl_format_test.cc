#include "lib/store/uidl_format.h"

#include "lib/testing/catch.h"

namespace store {

TEST_CASE("unique ids have the form that the site wants") {
  const auto id = [](std::string_view format) {
    const auto parsed = UidlFormat::parse(format);
    REQUIRE(parsed.has_value());
    return parsed->apply({.uid = 171, .uid_validity = 1700000000, .file = "1.M2P3.host"});
  };
  CHECK(id("%08Xu%08Xv") == "000000ab6553f100");
  CHECK(id("%v.%u") == "1700000000.171");
  CHECK(id("%f") == "1.M2P3.host");
  CHECK(id("%xu%%-") == "ab%-");
  for (const std::string_view bad : {"%v", "%q%u", "%", "a b%u", "%08"}) CHECK(!UidlFormat::parse(bad));
}

}  // namespace store
