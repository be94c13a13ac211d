#include "lib/mail/probe_sender.h"
#include "services/verify/entry.h"

#include "lib/testing/catch.h"

using ipc::VerifyState;
using std::chrono_literals::operator""s;
using verify::Entry;

namespace {

constexpr verify::Times times{.positive_expire = 1000s, .positive_refresh = 100s, .negative_expire = 50s, .negative_refresh = 5s};

}  // namespace

TEST_CASE("entries have Postfix's form") {
  for (const char* const text : {"0:0:1795870346:delivers to mailbox", "3:1795870345:0:Address verification in progress",
                                 "2:0:1795870347:host 127.0.0.1[127.0.0.1] said: 550 5.7.1 no", "1:1:2:"}) {
    const auto entry = Entry::parse(text);
    REQUIRE(entry);
    CHECK(entry->format() == text);
  }
  for (const char* const text : {"", "0", "0:0:1", "4:0:0:x", "-1:0:0:x", "0:x:0:x", "0:99999999999999:0:x", "::: "}) {
    INFO(text);
    CHECK_FALSE(Entry::parse(text));
  }
}

TEST_CASE("good news and bad news grow old at their own pace") {
  const Entry good{.state = VerifyState::deliverable, .updated = 10'000s, .text = "x"};
  CHECK_FALSE(good.is_stale(times, 10'100s));
  CHECK(good.is_stale(times, 10'101s));
  CHECK_FALSE(good.is_expired(times, 11'000s));
  CHECK(good.is_expired(times, 11'001s));
  for (const VerifyState state : {VerifyState::deferred, VerifyState::undeliverable}) {
    const Entry bad{.state = state, .updated = 10'000s, .text = "x"};
    CHECK_FALSE(bad.is_stale(times, 10'005s));
    CHECK(bad.is_stale(times, 10'006s));
    CHECK_FALSE(bad.is_expired(times, 10'050s));
    CHECK(bad.is_expired(times, 10'051s));
  }
  const Entry asked{.probed = 10'000s};
  CHECK(asked.is_expired(times, 10'001s));
  CHECK(asked.is_probed(10'999s));
  CHECK_FALSE(asked.is_probed(11'000s));
}

TEST_CASE("the sender's mark is Postfix's") {
  const Stamp now{1795870400s};
  CHECK(mail::probe_sender("double-bounce", 3600s, now) == "double-bounceJR30");
  CHECK(mail::probe_sender("pro+be@other.example", 3600s, now) == "pro+beJR30@other.example");
  CHECK(mail::probe_sender("probe@other.example", 0s, now) == "probe@other.example");
  CHECK(mail::probe_sender("<>", 3600s, now).empty());
}
