#include "services/quota-status/request.h"

#include "lib/testing/catch.h"

using quota_status::Request;

TEST_CASE("of a question what is asked here is taken") {
  Request request;
  for (const std::string_view line : {"request=smtpd_access_policy", "protocol_state=RCPT", "sender=a@example.net", "recipient=b=c@example.org", "size=1200"}) {
    REQUIRE(request.take(line));
  }
  CHECK(request.kind == "smtpd_access_policy");
  CHECK(request.state == "RCPT");
  CHECK(request.recipient == "b=c@example.org");
  CHECK(request.size == 1200);
}

TEST_CASE("what is no question says why") {
  CHECK(Request().take("HELO x").error().message() == "a line without \"=\": HELO x");
  CHECK(Request().take("size=-1").error().message() == "a size that is none: -1");
  CHECK_FALSE(Request().take("size=99999999999999999999"));
  Request request;
  for (std::size_t i = 0; i < quota_status::attributes_limit; ++i) REQUIRE(request.take("x=y"));
  CHECK(request.take("x=y").error().message() == "too many attributes");
}
