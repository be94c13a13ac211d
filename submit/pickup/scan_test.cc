#include "submit/pickup/scan.h"

#include "lib/testing/catch.h"

namespace pickup {

TEST_CASE("users take turns") {
  const std::map<uid_t, std::vector<std::string>> by_user{{1, {"a1", "a2", "a3"}}, {2, {"b1"}}, {3, {"c1", "c2"}}};
  CHECK(in_turn(by_user) == std::vector<std::string>{"a1", "b1", "c1", "a2", "c2", "a3"});
  CHECK(in_turn({}).empty());
}

}  // namespace pickup
