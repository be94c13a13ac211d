// Logins: the server's end against libgsasl's client.

#include <functional>
#include <map>

#include <gsasl.h>

#include "services/authd/exchange.h"

#include "lib/testing/catch.h"

namespace authd {
namespace {

class FakeSource final : public PasswordSource {
 public:
  std::map<std::string, std::string, std::less<>> users;
  bool is_down = false;

  Result<Verdict> check(const std::string& user, const std::string& password, const Asker& asker) override {
    const auto found = stored(user, asker);
    if (!found) return base::Failure(found.error());
    if (!found->has_value()) return Verdict::unknown_user;
    return *(*found)->verify(password) ? Verdict::right : Verdict::wrong;
  }
  Result<std::optional<auth::StoredPassword>> stored(const std::string& user, const Asker&) override {
    if (is_down) return base::fail("down");
    const auto found = users.find(user);
    if (found == users.end()) return std::nullopt;
    return std::optional(*auth::StoredPassword::parse(found->second));
  }
  bool serves(Needs) const override { return true; }
};

struct World {
  FakeSource* source;
  std::unique_ptr<Authority> authority;
  Caller caller{.service = "smtp", .client_address = "192.0.2.1", .local_address = "192.0.2.2", .is_encrypted = true, .certificate_user = std::nullopt};

  explicit World(bool allows_cleartext = false) {
    auto fake = std::make_unique<FakeSource>();
    source = fake.get();
    source->users = {{"alice", "{PLAIN}secret"},
                     {"bob", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="},
                     {"carol", "{SCRAM-SHA-256}4096,c2FsdHNhbHQ=,v9cxy4WCDtc8UMxTg6KXCtlxIku1bUKTGuWEXFC1L54=,rwGpSn6lR97mSEImO0RA7JCZ4WnpCnnKddTt3G/t6II="}};
    std::vector<std::unique_ptr<PasswordSource>> sources;
    sources.push_back(std::move(fake));
    authority = std::make_unique<Authority>(Passdb(std::move(sources)), *NameFormat::parse("%Lu", ""), "mail.example.test", allows_cleartext);
  }
  std::unique_ptr<Exchange> begin(std::string_view mechanism) {
    const MechanismRow* const row = find_mechanism(mechanism);
    REQUIRE(row != nullptr);
    auto exchange = Exchange::begin(*authority, *row, caller);
    REQUIRE(exchange.has_value());
    return std::move(*exchange);
  }
};

struct ClientSays {
  std::string user, password, acts_for{};
};

// What became of it: "accepted alice", "refused WHY", "unavailable WHY".
std::string outcome(const Step& step, const Exchange& exchange) {
  switch (step.kind) {
    case Step::Kind::accepted: return "accepted " + exchange.user();
    case Step::Kind::refused: return "refused";
    case Step::Kind::unavailable: return "unavailable " + step.why;
    case Step::Kind::challenge: break;
  }
  return "no end";
}

int steps_taken = 0;

// The whole of a login with libgsasl's client.
std::string login(World& world, const std::string& mechanism, const ClientSays& says) {
  Gsasl* library = nullptr;
  REQUIRE(::gsasl_init(&library) == GSASL_OK);
  Gsasl_session* client = nullptr;
  REQUIRE(::gsasl_client_start(library, mechanism.c_str(), &client) == GSASL_OK);
  ::gsasl_property_set(client, GSASL_AUTHID, says.user.c_str());
  ::gsasl_property_set(client, GSASL_PASSWORD, says.password.c_str());
  if (!says.acts_for.empty()) ::gsasl_property_set(client, GSASL_AUTHZID, says.acts_for.c_str());
  ::gsasl_property_set(client, GSASL_SERVICE, "smtp");
  ::gsasl_property_set(client, GSASL_HOSTNAME, "mail.example.test");
  ::gsasl_property_set(client, GSASL_ANONYMOUS_TOKEN, "x");
  const auto exchange = world.begin(mechanism);
  std::optional<std::string> response;
  Step step{Step::Kind::challenge, {}, {}, {}};
  const bool speaks_first = mechanism.starts_with("SCRAM") || mechanism == "PLAIN" || mechanism == "ANONYMOUS";
  steps_taken = 0;
  bool client_is_done = false;
  for (; step.kind == Step::Kind::challenge && steps_taken < 10; ++steps_taken) {
    if (steps_taken > 0 || speaks_first) {
      char* output = nullptr;
      std::size_t size = 0;
      const int code = client_is_done ? GSASL_OK : ::gsasl_step(client, step.bytes.data(), step.bytes.size(), &output, &size);
      response = std::string(output == nullptr ? "" : output, size);
      ::gsasl_free(output);
      if (code != GSASL_OK && code != GSASL_NEEDS_MORE) break;
      client_is_done = code == GSASL_OK;
    }
    step = exchange->step(response);
  }
  ::gsasl_finish(client);
  ::gsasl_done(library);
  return outcome(step, *exchange);
}

TEST_CASE("each mechanism lets in who has the password, and nobody else") {
  for (const char* mechanism : {"PLAIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}) {
    INFO(mechanism);
    World world;
    CHECK(login(world, mechanism, {"alice", "secret"}) == "accepted alice");
    CHECK(login(world, mechanism, {"Alice", "secret"}) == "accepted alice");
    CHECK(login(world, mechanism, {"alice", "wrong"}) != "accepted alice");
    const int known = steps_taken;
    CHECK(login(world, mechanism, {"nobody", "wrong"}).starts_with("refused"));
    CHECK(steps_taken == known);
    world.source->is_down = true;
    CHECK(login(world, mechanism, {"alice", "secret"}) == "unavailable down");
  }
}

TEST_CASE("a hash serves only mechanisms that can use it") {
  World world;
  CHECK(login(world, "PLAIN", {"bob", "secret"}) == "accepted bob");
  for (const char* mechanism : {"CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}) {
    INFO(mechanism);
    CHECK(login(world, mechanism, {"bob", "secret"}) == "refused");
  }
  CHECK(login(world, "SCRAM-SHA-256", {"carol", "secret"}) == "accepted carol");
  CHECK(login(world, "SCRAM-SHA-256", {"carol", "wrong"}) == "refused");
  CHECK(login(world, "SCRAM-SHA-1", {"carol", "secret"}) == "refused");
  CHECK(login(world, "PLAIN", {"carol", "secret"}) == "accepted carol");
}

TEST_CASE("nobody acts for somebody else") {
  for (const char* mechanism : {"PLAIN", "SCRAM-SHA-256"}) {
    World world;
    CHECK(login(world, mechanism, {"alice", "secret", "alice"}) == "accepted alice");
    CHECK(login(world, mechanism, {"alice", "secret", "bob"}) == "refused");
  }
}

TEST_CASE("LOGIN asks for a name and a password") {
  World world;
  const auto talk = [&](std::optional<std::string> first, const std::vector<std::string>& more) {
    const auto exchange = world.begin("LOGIN");
    Step step = exchange->step(first);
    std::string said = step.bytes;
    for (const std::string& response : more) {
      step = exchange->step(response);
      said += "|" + step.bytes;
    }
    return said + "|" + outcome(step, *exchange);
  };
  CHECK(talk(std::nullopt, {"alice", "secret"}) == "Username:|Password:||accepted alice");
  CHECK(talk("alice", {"secret"}) == "Password:||accepted alice");
  CHECK(talk("", {"alice", "secret"}) == "Username:|Password:||accepted alice");
  CHECK(talk(std::nullopt, {"alice", "wrong"}) == "Username:|Password:||refused");
  CHECK(talk(std::nullopt, {"", ""}) == "Username:|Password:||refused");
}

TEST_CASE("a password in clear text comes under TLS, or from this machine, or where it may") {
  const auto from = [](std::string_view address, bool is_encrypted, bool allows) {
    World world(allows);
    world.caller.client_address = address;
    world.caller.is_encrypted = is_encrypted;
    return login(world, "PLAIN", {"alice", "secret"});
  };
  CHECK(from("203.0.113.1", false, false) == "refused");
  CHECK(from("203.0.113.1", true, false) == "accepted alice");
  CHECK(from("203.0.113.1", false, true) == "accepted alice");
  CHECK(from("127.0.0.1", false, false) == "accepted alice");
  CHECK(from("::1", false, false) == "accepted alice");
  CHECK(from("192.0.2.2", false, false) == "accepted alice");
  CHECK(from("", false, false) == "refused");
  World world;
  world.caller.is_encrypted = false;
  world.caller.client_address = "203.0.113.1";
  CHECK(login(world, "SCRAM-SHA-256", {"alice", "secret"}) == "accepted alice");
}

TEST_CASE("EXTERNAL goes by the certificate alone") {
  World world;
  CHECK(outcome(world.begin("EXTERNAL")->step("alice"), *world.begin("EXTERNAL")) == "refused");
  world.caller.certificate_user = "bob";
  const auto exchange = world.begin("EXTERNAL");
  CHECK(outcome(exchange->step(""), *exchange) == "accepted bob");
  const auto other = world.begin("EXTERNAL");
  CHECK(outcome(other->step("alice"), *other) == "refused");
}

TEST_CASE("ANONYMOUS is who he says and nobody") {
  World world;
  CHECK(login(world, "ANONYMOUS", {"", ""}) == "accepted anonymous");
}

TEST_CASE("rubbish is refused at every step") {
  World world;
  for (const char* mechanism : {"PLAIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}) {
    for (const std::string& rubbish : {std::string(1, '\0'), std::string("\0\0", 2), std::string("\0alice\0", 7), std::string(100000, 'A'), std::string("n,,n=,r="),
                                       std::string("\xff\xfe"), std::string("alice "), std::string("=,=,=")}) {
      INFO(mechanism);
      const auto exchange = world.begin(mechanism);
      Step step = exchange->step(std::nullopt);
      for (int i = 0; i < 5 && step.kind == Step::Kind::challenge; ++i) step = exchange->step(rubbish);
      CHECK(step.kind == Step::Kind::refused);
    }
  }
}

TEST_CASE("an empty response is not asked for again and again") {
  World world;
  const auto exchange = world.begin("PLAIN");
  CHECK(exchange->step(std::nullopt).kind == Step::Kind::challenge);
  CHECK(exchange->step("").kind == Step::Kind::refused);
  CHECK(world.begin("PLAIN")->step("").kind == Step::Kind::refused);
}

TEST_CASE("a salt is the same each time, and another for another") {
  World world;
  CHECK(world.authority->salt_for("a") == world.authority->salt_for("a"));
  CHECK(world.authority->salt_for("a") != world.authority->salt_for("b"));
}

}  // namespace
}  // namespace authd
