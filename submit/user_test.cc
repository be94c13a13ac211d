#include "submit/user.h"

#include "lib/testing/catch.h"

namespace submit {

TEST_CASE("a full name is the first part of the gecos field") {
  CHECK(full_name_of("Alice Test,,,", "alice") == "Alice Test");
  CHECK(full_name_of("& Test", "alice") == "Alice Test");
  CHECK(full_name_of("", "alice").empty());
  CHECK(full_name_of("&&", "bob") == "BobBob");
}

}  // namespace submit
