#include "lib/delivery/delivered_to.h"

#include "lib/mailbox/test_message.h"
#include "lib/testing/catch.h"

namespace delivery {
namespace {

TEST_CASE("Delivered-To headers are found in the header only") {
  const mailbox::TestMessage message("Received: x\n\tDelivered-To: no@x\nDelivered-To: Alice@Example.test\nX: y\n\nDelivered-To: body@x\n");
  const auto found = DeliveredTo::read(message.fd(), 0);
  REQUIRE(found);
  REQUIRE(found->contains("alice@example.TEST"));
  REQUIRE_FALSE(found->contains("no@x"));
  REQUIRE_FALSE(found->contains("body@x"));
}

}  // namespace
}  // namespace delivery
