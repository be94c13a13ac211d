#include "lib/mailbox/environment.h"

#include <cstdlib>

#include "lib/testing/catch.h"

namespace mailbox {
namespace {

using Lines = std::vector<std::string>;

TEST_CASE("export_environment names variables of ours, and sets others") {
  ::setenv("LOCAL_TEST", "v", 1);
  REQUIRE(exported_environment("LOCAL_TEST no_such, A=b {C=d e}") == Lines{"LOCAL_TEST=v", "A=b", "C=d e"});
}

TEST_CASE("a command always has a PATH") {
  REQUIRE(with_path({"A=b"}) == Lines{"A=b", "PATH=/usr/bin:/bin"});
  REQUIRE(with_path({"PATH=/x"}) == Lines{"PATH=/x"});
}

}  // namespace
}  // namespace mailbox
