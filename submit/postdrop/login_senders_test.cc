#include "submit/postdrop/login_senders.h"

#include "lib/testing/catch.h"

namespace postdrop {

TEST_CASE("a sender is allowed by one of the patterns of the user") {
  const LoginSenderRules rules{.maps = "", .empty_address = "<>", .delimiters = {"+", true}};
  struct Vector {
    std::string_view patterns, sender;
    bool allowed;
  };
  for (const Vector& vector : {Vector{"", "a@example.com", false},
                               Vector{"*", "a@example.com", true},
                               Vector{"*", "", true},
                               Vector{"a@example.com", "A@Example.COM", true},
                               Vector{"a@example.com", "a+ext@example.com", true},
                               Vector{"a@example.com", "ab@example.com", false},
                               Vector{"a+ext@example.com", "a+ext@example.com", false},
                               Vector{"b@example.com, @Example.com", "a@example.com", true},
                               Vector{"@example.com", "a@sub.example.com", false},
                               Vector{"@example.com", "a", false},
                               Vector{"a", "a", true},
                               Vector{"a", "a@example.com", false},
                               Vector{"a@example.com", "", false},
                               Vector{"a@example.com\t<>", "", true},
                               Vector{"<>", "<>", false},
                               Vector{"a*", "ab", false}}) {
    CAPTURE(vector.patterns, vector.sender);
    CHECK(allows(vector.patterns, vector.sender, rules) == vector.allowed);
  }
}

}  // namespace postdrop
