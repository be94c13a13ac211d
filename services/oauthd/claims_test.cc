// What tokens have to say, and for how long it is remembered.

#include "services/oauthd/cache.h"
#include "services/oauthd/claims.h"

#include "lib/testing/catch.h"

namespace oauthd {
namespace {

using std::chrono_literals::operator""s;
using ipc::TokenVerdict;

constexpr Stamp now{std::chrono::seconds(1'800'000'000)};

const Demands all{.issuers = {"https://id.example.test", "other"}, .audiences = {"mail"}, .scopes = {"imap", "smtp"}, .username_claim = "sub", .leeway = 30s};

Judgement judged(std::string_view text, Source source = Source::jwt, const Demands& demands = all) {
  const auto claims = parse_object(text);
  REQUIRE(claims.has_value());
  return judge(*claims, source, demands, now);
}

TEST_CASE("a token that says all that is wanted") {
  const Judgement judgement = judged(
      R"({"iss":"https://id.example.test","aud":["web","mail"],"scope":"openid smtp imap","exp":1800000001,"nbf":1799999999.5,"sub":"alice"})");
  CHECK(judgement.verdict == TokenVerdict::valid);
  CHECK(judgement.user == "alice");
  CHECK(judgement.ends == Stamp(std::chrono::seconds(1'800'000'001)));
}

TEST_CASE("each claim that is missing or other than it should be") {
  struct Row {
    const char* claims;
    const char* why;
  };
  for (const Row& row : {
           Row{R"({"iss":"other","aud":"mail","scp":["smtp","imap"],"sub":"alice"})", "no claim exp"},
           Row{R"({"exp":1799999970,"iss":"other","aud":"mail","scope":"smtp imap","sub":"alice"})", "expired"},
           Row{R"({"exp":"never","iss":"other","aud":"mail","scope":"smtp imap","sub":"alice"})", "the claim exp is no date"},
           Row{R"({"exp":-5,"iss":"other","aud":"mail","scope":"smtp imap","sub":"alice"})", "the claim exp is no date"},
           Row{R"({"exp":1800000001,"nbf":1800000031,"iss":"other","aud":"mail","scope":"smtp imap","sub":"alice"})", "not valid yet"},
           Row{R"({"exp":1800000001,"nbf":[],"iss":"other","aud":"mail","scope":"smtp imap","sub":"alice"})", "the claim nbf is no date"},
           Row{R"({"exp":1800000001,"aud":"mail","scope":"smtp imap","sub":"alice"})", "of another issuer"},
           Row{R"({"exp":1800000001,"iss":["other"],"aud":"mail","scope":"smtp imap","sub":"alice"})", "of another issuer"},
           Row{R"({"exp":1800000001,"iss":"other","aud":"mailbox","scope":"smtp imap","sub":"alice"})", "for another audience"},
           Row{R"({"exp":1800000001,"iss":"other","aud":{"mail":"mail"},"scope":"smtp imap","sub":"alice"})", "for another audience"},
           Row{R"({"exp":1800000001,"iss":"other","aud":"mail","scope":"smtp imap"})", "no claim sub that names a user"},
           Row{R"({"exp":1800000001,"iss":"other","aud":"mail","scope":"smtp imap","sub":7})", "no claim sub that names a user"},
       }) {
    const Judgement judgement = judged(row.claims);
    CHECK(judgement.verdict == TokenVerdict::invalid);
    CHECK(judgement.why == row.why);
  }
  CHECK(judged(R"({"exp":1e300,"iss":"other","aud":"mail","scope":"smtp imap","sub":"alice"})").verdict == TokenVerdict::valid);
  const Judgement narrow = judged(R"({"exp":1800000001,"iss":"other","aud":"mail","scope":"smtp imaps","sub":"alice"})");
  CHECK(narrow.verdict == TokenVerdict::insufficient_scope);
  CHECK(narrow.why == "without the scope imap");
}

TEST_CASE("an introspection server may leave out what is not asked for") {
  const Demands few{.issuers = {}, .audiences = {}, .scopes = {}, .username_claim = "username", .leeway = 0s};
  CHECK(judged(R"({"active":true,"username":"alice"})", Source::introspection, few).verdict == TokenVerdict::valid);
  CHECK(judged(R"({"active":true,"username":"alice","exp":1800000000})", Source::introspection, few).why == "expired");
  CHECK(judged(R"({"active":true,"username":"alice"})", Source::introspection).why == "of another issuer");
}

class TestClock final : public base::Clock {
 public:
  [[nodiscard]] Deadline now() const override { return now_; }
  [[nodiscard]] Stamp stamp() const override { return Stamp(std::chrono::seconds(1000000)) + (now_ - Deadline(1000s)); }
  void go_on(std::chrono::seconds by) { now_ += by; }

 private:
  Deadline now_{1000s};
};

TEST_CASE("a token is remembered for a while, never beyond its own end") {
  TestClock clock;
  Cache cache(10, 60s, clock);
  cache.keep("a", "alice", std::nullopt);
  cache.keep("b", "bob", Stamp(std::chrono::seconds(1'000'020)));
  REQUIRE(cache.find("a") != nullptr);
  CHECK(*cache.find("a") == "alice");
  CHECK(*cache.find("b") == "bob");
  CHECK(cache.find("c") == nullptr);
  clock.go_on(20s);
  CHECK(cache.find("b") == nullptr);
  CHECK(*cache.find("a") == "alice");
  clock.go_on(40s);
  CHECK(cache.find("a") == nullptr);
  CHECK(cache.size() == 0);
}

TEST_CASE("no more are remembered than may be; no token gets another's user") {
  TestClock clock;
  Cache cache(100, 60s, clock);
  for (int i = 0; i < 1000; ++i) cache.keep("token" + std::to_string(i), "user" + std::to_string(i), std::nullopt);
  CHECK(cache.size() == 100);
  for (int i = 0; i < 1000; ++i) {
    const std::string* const user = cache.find("token" + std::to_string(i));
    CHECK((user != nullptr) == (i >= 900));
    if (user != nullptr) CHECK(*user == "user" + std::to_string(i));
  }
  cache.keep("token999", "another", std::nullopt);
  CHECK(*cache.find("token999") == "another");
  Cache none(0, 60s, clock);
  none.keep("a", "alice", std::nullopt);
  CHECK(none.find("a") == nullptr);
}

}  // namespace
}  // namespace oauthd
